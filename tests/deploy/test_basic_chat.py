"""The chat alone: what is left of the multilingual chat, and the door that the chart makes too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from graph.turn.timeouts import DEFAULT
from tests.deploy.chart import Chart
from tests.deploy.rendered import Objects, only, options, predictors
from tests.deploy.test_chart_manifests import AS_MANIFESTS, named, normal

# A folder with the chat alone, and the one that its chat comes from.
FOLDERS = {
    "basic-chat": "overlays/gpu-shared",
    "overlays/basic-chat-embedded": "overlays/embedded",
}
NAMESPACE = "parley-basic-chat"


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_left_but_the_chat_and_all_of_it_is_in_one_namespace(
    folder: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(folder)
    assert set(predictors(rendered)) == {"chat"}
    assert not [item for item in rendered if item["kind"] == "InferenceGraph"]
    assert only(rendered, "Namespace")["metadata"]["name"] == NAMESPACE
    for item in rendered:
        assert item["metadata"].get("namespace") in (None, NAMESPACE)
        instance = item["metadata"]["labels"].get("app.kubernetes.io/instance", "basic-chat")
        assert instance == "basic-chat"
    # Only the names say which application an object of the whole cluster is of.
    names = {item["metadata"]["name"] for item in rendered if "namespace" not in item["metadata"]}
    assert names == {NAMESPACE, f"{NAMESPACE}-restricted"}
    binding = only(rendered, "ValidatingAdmissionPolicyBinding")["spec"]
    assert NAMESPACE in str(binding["matchResources"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_chat_is_that_of_the_multilingual_chat(
    folder: str, objects: Callable[[str], Objects]
) -> None:
    chat = predictors(objects(folder))["chat"]
    assert chat == predictors(objects(FOLDERS[folder]))["chat"]
    assert only(objects(folder), "PodDisruptionBudget")["spec"]["selector"] == {
        "matchLabels": {"serving.kserve.io/inferenceservice": "chat"}
    }


def test_it_asks_for_half_a_gpu_and_its_job_pulls_its_model_alone(
    objects: Callable[[str], Objects],
) -> None:
    rendered = objects("basic-chat")
    chat = predictors(rendered)["chat"]
    limits = chat["containers"][0]["resources"]["limits"]
    assert {key: limits[key] for key in limits if "nvidia" in key} == {"nvidia.com/gpu.shared": "1"}
    (container,) = only(rendered, "Job")["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["--quantizations=float16", options(chat)["model"]]
    assert only(rendered, "PersistentVolumeClaim")["metadata"]["name"] == "parley-models"


def test_with_the_embedded_model_it_needs_no_gpu_and_no_volume(
    objects: Callable[[str], Objects],
) -> None:
    rendered = objects("overlays/basic-chat-embedded")
    assert not {item["kind"] for item in rendered} & {"Job", "PersistentVolumeClaim"}
    assert "nvidia" not in yaml.safe_dump_all(rendered)
    assert options(predictors(rendered)["chat"])["model"].startswith("embedded:")


@pytest.mark.parametrize("folder", FOLDERS)
def test_its_door_is_that_of_the_chart(
    folder: str, chart: Chart, objects: Callable[[str], Objects]
) -> None:
    values = AS_MANIFESTS | {"basicChat": {"enabled": True}}
    rendered = named(chart.render(values=values, release="basic-chat", namespace=NAMESPACE))
    doors = {key: item for key, item in named(objects(folder)).items() if key[1] == "basic-chat"}
    assert {kind for kind, _ in doors} == {"HTTPRoute", "Ingress", "NetworkPolicy"}
    for key, item in doors.items():
        assert normal(item) == normal(rendered[key]), key


def test_its_route_waits_as_long_as_a_router_would(objects: Callable[[str], Objects]) -> None:
    (rule,) = only(objects("basic-chat"), "HTTPRoute")["spec"]["rules"]
    assert rule["timeouts"]["request"] == f"{DEFAULT.service}s"
