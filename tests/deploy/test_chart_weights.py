"""Where the models come from: the Job, the claim, KServe's storage."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deploy.chart import (
    Chart,
    Refused,
    by_name,
    container,
    environ,
    find,
    job,
    kinds,
    predictor,
)
from tests.deploy.rendered import only

MARIAN = "hf:Helsinki-NLP/opus-mt-{}@b4a9a384c2ec68a224bbd2ee3fd5df0c71ca5b1b"
M2M100 = "hf:facebook/m2m100_418M@main"
ITALIAN = {"toEnglish": {"model": MARIAN.format("it-en")}, "fromEnglish": {"model": "/models/it"}}


def test_other_models_are_another_job(chart: Chart) -> None:
    def name(values: dict[str, Any]) -> str:
        return str(only(chart.render(values=values), "Job")["metadata"]["name"])

    same = name({}), name({"httpRoute": {"enabled": False}})
    assert same[0] == same[1]
    assert re.fullmatch(r"parley-models-[0-9a-f]{10}", same[0])
    others = {
        name({"weights": {"job": {"extraModels": [M2M100]}}}),
        name({"weights": {"job": {"image": {"tag": "9"}}}}),
        name({"predictors": {"accelerator": {"resourceName": ""}}}),
    }
    assert len(others | {same[0]}) == 4


def test_a_pod_waits_for_its_own_model_and_no_other(chart: Chart) -> None:
    before = chart.render()
    after = chart.render(values={"languages": {"it": ITALIAN}})
    name = "parley-translate-fr-en"
    (waiting,) = predictor(after, name)["initContainers"]
    assert waiting["args"] == [MARIAN.format("fr-en")]
    # So that a language more leaves the pods of the others as they are.
    assert find(before, "InferenceService", name) == find(after, "InferenceService", name)


def test_without_a_model_of_a_hub_there_is_no_job_no_claim_and_no_way_out(chart: Chart) -> None:
    objects = chart.render("embedded")
    assert not kinds(objects) & {"Job", "PersistentVolumeClaim"}
    assert ("NetworkPolicy", "parley-models") not in by_name(objects)


def test_a_claim_that_is_there_is_used_and_none_is_made(chart: Chart) -> None:
    objects = chart.render(values={"weights": {"volume": {"existingClaim": "mine"}}})
    assert "PersistentVolumeClaim" not in kinds(objects)
    volume = predictor(objects, "parley-chat")["volumes"][-1]
    assert volume["persistentVolumeClaim"]["claimName"] == "mine"


def test_the_claim_outlives_the_release_unless_told_otherwise(chart: Chart) -> None:
    def annotations(keep: bool) -> dict[str, str]:
        objects = chart.render(values={"weights": {"volume": {"keep": keep}}})
        found: dict[str, str] = only(objects, "PersistentVolumeClaim")["metadata"].get(
            "annotations", {}
        )
        return found

    assert annotations(True) == {"helm.sh/resource-policy": "keep"}
    assert annotations(False) == {}


def test_each_predictor_is_converted_for_what_it_runs_on(chart: Chart) -> None:
    values: dict[str, Any] = {"chat": {"accelerator": {"resourceName": ""}}}
    assert "--quantizations=int8,float16" in job(chart.render(values=values))["args"]
    values = {"weights": {"quantizations": ["float32"]}}
    assert "--quantizations=float32" in job(chart.render(values=values))["args"]


def test_the_hub_has_its_mirror_and_its_token(chart: Chart) -> None:
    hub = {"endpoint": "https://hub.example.com", "tokenSecret": {"name": "hub"}}
    found = environ(job(chart.render(values={"weights": {"hub": hub}})))
    assert found["HF_ENDPOINT"] == "https://hub.example.com"
    assert found["HF_TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "token"}}


def test_by_kserves_storage_a_model_needs_neither_job_nor_volume(chart: Chart) -> None:
    values = {"chat": {"storageUri": "oci://registry/model", "model": "/mnt/models"}}
    objects = chart.render(values=values)
    chat = container(objects, "parley-chat")
    assert environ(chat)["STORAGE_URI"] == "oci://registry/model"
    assert "PARLEY_MODELS" not in environ(chat)
    assert "initContainers" not in predictor(objects, "parley-chat")
    with pytest.raises(Refused, match="chat: with storageUri the model is .*/mnt/models"):
        chart.render(values={"chat": {"storageUri": "hf://owner/name"}})


def test_a_stored_model_is_kept_on_the_nodes(chart: Chart) -> None:
    values = {
        "chat": {"storageUri": "hf://owner/name", "model": "/mnt/models"},
        "weights": {"nodeCache": {"nodeGroups": ["workers"]}},
    }
    cache = only(chart.render(values=values), "LocalModelNamespaceCache")["spec"]
    assert cache["sourceModelUri"] == "hf://owner/name"
    assert cache["nodeGroups"] == ["workers"]
