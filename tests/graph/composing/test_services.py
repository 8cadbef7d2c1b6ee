"""Predictors described in Python, and the InferenceServices that they become."""

from __future__ import annotations

import pytest

from graph.composing.services import as_service, chat, detector, translator
from graph.composing.shipped import Variant, find_shipped
from graph.errors import SpecError

CHECKPOINT = "hf:facebook/blenderbot-400M-distill@eaaf64e3be20ad1f1fb0bdf689565ba52c97eafe"
SMOLLM = "embedded:smollm2-135m-instruct"
GEMMA = "embedded:gemma3-270m"


def container(predictor):
    (only,) = predictor.manifest()["spec"]["predictor"]["containers"]
    return only


def shipped(variant, name):
    """A shipped InferenceService, without the namespace that an application gives it."""
    body = find_shipped(variant, "InferenceService", name)
    del body["metadata"]["namespace"]
    return body


@pytest.mark.parametrize(
    ("predictor", "variant"),
    [
        (detector("fr"), Variant.EMBEDDED),
        (chat(SMOLLM), Variant.EMBEDDED),
        (translator("fr", "en", GEMMA), Variant.EMBEDDED),
        (translator("en", "fr", GEMMA), Variant.EMBEDDED),
        (chat(CHECKPOINT), Variant.CPU),
        (chat(CHECKPOINT).configure(accelerator="nvidia.com/gpu"), Variant.GPU),
    ],
)
def test_a_predictor_is_the_shipped_one(predictor, variant):
    assert predictor.manifest() == shipped(variant, predictor.name)


def test_options_are_arguments_and_none_leaves_one_to_the_predictor():
    args = container(chat(SMOLLM, max_tokens=20, example_turns=None, openapi=True))["args"]
    assert args[:2] == ["--model_name=chat", f"--model={SMOLLM}"]
    assert args[2:] == ["--max_tokens=20", "--parallel=1", "--openapi=yes"]


def test_another_model_gets_none_of_the_options_that_the_embedded_one_needs():
    answering = chat("openai:large@http://large/openai/v1")
    assert container(answering)["args"][1:] == ["--model=openai:large@http://large/openai/v1"]
    assert container(answering)["image"] == "parley-chat:0.1.0"


def test_a_translator_reads_and_writes_the_fields_of_its_direction_unless_told_others():
    args = container(translator("it", "en", GEMMA, writes="response", name="back"))["args"]
    assert {"--source=it", "--target=en", "--reads=user_input", "--writes=response"} <= {*args}
    assert args[0] == "--model_name=back"


def test_a_name_is_that_of_the_probes_and_of_the_model():
    named = container(detector("fr", name="ear"))
    assert named["startupProbe"]["httpGet"]["path"] == "/v1/models/ear"
    assert "--model_name=ear" in named["args"]


def test_a_pod_has_its_own_image_variables_resources_and_replicas():
    plain = detector("fr")
    own = plain.configure(
        image="registry.example.com/ear:7",
        env={"PARLEY_DRAIN_SECONDS": "20", "MINE": "1"},
        resources={"requests": {"cpu": "50m"}, "limits": {"memory": "2Gi"}},
        replicas=2,
    )
    assert own.configure(replicas=1) != own
    found = container(own)
    assert found["image"] == "registry.example.com/ear:7"
    assert {v["name"]: v["value"] for v in found["env"]} == {
        "HF_HUB_OFFLINE": "1", "PARLEY_DRAIN_SECONDS": "20", "MINE": "1",
    }  # fmt: skip
    assert found["resources"] == {
        "requests": {"cpu": "50m", "memory": "512Mi"},
        "limits": {"cpu": "1", "memory": "2Gi"},
    }
    assert own.manifest()["spec"]["predictor"]["maxReplicas"] == 2
    assert container(plain) == container(detector("fr"))


def test_a_part_of_a_gpu_is_asked_for_in_the_place_of_a_whole_one():
    shared = chat(CHECKPOINT).configure(accelerator="nvidia.com/gpu.shared")
    limits = container(shared)["resources"]["limits"]
    assert {name for name in limits if "/" in name} == {"nvidia.com/gpu.shared"}
    assert container(shared)["image"].endswith("-cuda")


def test_a_pod_waits_for_the_conversion_of_its_own_model():
    other = "hf:google/flan-t5-large@0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a"
    (waiting,) = translator("it", "en", other).manifest()["spec"]["predictor"]["initContainers"]
    assert waiting["args"] == [other]
    assert waiting["image"] == "parley-translator:0.1.0"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: chat(SMOLLM, name="My Chat"), "'My Chat': a predictor's name has small letters"),
        (lambda: chat(SMOLLM, name="a" * 54), "53 characters"),
        (lambda: chat(SMOLLM).configure(accelerator="nvidia.com/gpu"), "only a model of a hub"),
        (lambda: chat(CHECKPOINT).configure(accelerator="gpu"), "such as nvidia.com/gpu"),
        (
            lambda: as_service(
                {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"}
            ),
            "metadata: name is required",
        ),
        (lambda: as_service(None), "a step of type NoneType: is nothing that a graph can call"),
    ],
)
def test_what_could_not_run_is_refused_when_it_is_made(make, words):
    with pytest.raises(SpecError, match=words):
        make()
