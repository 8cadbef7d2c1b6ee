"""Several models in one pod, for a GPU that they share."""

from __future__ import annotations

from typing import Any

import pytest

from graph.lint.report import describe, lint_objects
from graph.spec.load import load_objects
from predictors.colocated.__main__ import read_blocks
from tests.deploy.chart import (
    Chart,
    Refused,
    by_name,
    container,
    find,
    graph,
    job,
    kinds,
    policy,
    predictor,
)
from tests.deploy.rendered import Objects, only

TOGETHER: dict[str, Any] = {"colocate": {"predictors": ["chat", "translators"]}}
POD = "parley-colocated"


def services(objects: Objects) -> set[str]:
    return {name for kind, name in by_name(objects) if kind == "InferenceService"}


def blocks(objects: Objects) -> dict[str, tuple[str, ...]]:
    """The options of each predictor of the pod, by its name."""
    _, found = read_blocks(container(objects, POD)["args"])
    return {each.words[0].removeprefix("--model_name="): each.words[1:] for each in found}


def test_chat_and_translators_share_one_pod_with_one_gpu(chart: Chart) -> None:
    objects = chart.render(values=TOGETHER)
    assert services(objects) == {POD, "parley-detector"}
    pod = container(objects, POD)
    assert pod["command"] == ["python", "-m", "predictors.colocated"]
    assert pod["image"] == "parley-colocated:0.1.0-cuda"
    assert pod["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert set(blocks(objects)) == {
        "parley-chat",
        "parley-translate-en-fr",
        "parley-translate-fr-en",
    }


def test_each_keeps_the_options_that_it_has_alone(chart: Chart) -> None:
    options = {"predictors": {"options": {"parallel": 2}}, "chat": {"options": {"seed": 7}}}
    alone = chart.render(values=options)
    together = blocks(chart.render(values=options | TOGETHER))
    for name in ("parley-chat", "parley-translate-en-fr"):
        assert list(together[name]) == container(alone, name)["args"][1:]


@pytest.mark.parametrize("namespace", ["parley", "another"])
def test_the_graph_calls_each_by_its_url_in_the_releases_namespace(
    namespace: str, chart: Chart
) -> None:
    nodes = graph(chart.render(values=TOGETHER, namespace=namespace))
    url = f"http://{POD}-predictor.{namespace}.svc.cluster.local/v1/models/parley-{{}}:predict"
    assert [step["serviceUrl"] for step in nodes["fr"]["steps"]] == [
        url.format(name) for name in ("translate-fr-en", "chat", "translate-en-fr")
    ]
    assert nodes["root"]["steps"][0]["serviceName"] == "parley-detector"


def test_it_lints_clean(chart: Chart) -> None:
    loaded = load_objects(chart.text(values=TOGETHER), "chart")
    assert describe(lint_objects([loaded], {})) == "nothing found"


def test_one_by_its_name_leaves_the_others_where_they_are(chart: Chart) -> None:
    objects = chart.render(values={"colocate": {"predictors": ["chat", "translate-fr-en"]}})
    assert services(objects) == {POD, "parley-detector", "parley-translate-en-fr"}
    first, _, last = graph(objects)["fr"]["steps"]
    assert "serviceUrl" in first and last["serviceName"] == "parley-translate-en-fr"


def test_a_translator_of_several_languages_shares_it_too(chart: Chart) -> None:
    shared: dict[str, Any] = {"model": "hf:facebook/m2m100_418M@main", "services": 1}
    values = TOGETHER | {"languages": {"it": {}}, "sharedTranslator": shared}
    objects = chart.render(values=values)
    assert set(blocks(objects)) == {"parley-chat", "parley-translate"}
    urls = [step["serviceUrl"].rpartition("/")[2] for step in graph(objects)["it"]["steps"]]
    assert urls == ["parley-translate:predict", "parley-chat:predict", "parley-translate:predict"]
    with pytest.raises(Refused, match="translate: replicas: it shares the pod of `colocate`"):
        chart.render(values=values | {"sharedTranslator": shared | {"replicas": 2}})


def test_the_pod_is_ready_when_all_its_models_are(chart: Chart) -> None:
    pod = container(chart.render(values=TOGETHER), POD)
    for probe in ("startupProbe", "readinessProbe"):
        assert pod[probe]["httpGet"]["path"] == "/readyz"


def test_the_pod_waits_for_all_its_conversions(chart: Chart) -> None:
    objects = chart.render(values=TOGETHER)
    (wait,) = predictor(objects, POD)["initContainers"]
    assert set(wait["args"]) == set(job(objects)["args"][1:])
    assert len(wait["args"]) == 3
    assert job(objects)["args"][0] == "--quantizations=float16"


def test_the_shared_pod_decides_what_the_job_converts_to(chart: Chart) -> None:
    on_cpu = {"colocate": {**TOGETHER["colocate"], "accelerator": {"resourceName": ""}}}
    objects = chart.render(values=on_cpu)
    assert job(objects)["args"][0] == "--quantizations=int8"
    assert container(objects, POD)["image"] == "parley-colocated:0.1.0"


def test_embedded_models_are_in_one_image(chart: Chart) -> None:
    objects = chart.render("embedded", values=TOGETHER)
    assert container(objects, POD)["image"] == "parley-colocated:0.1.0-embedded"
    assert "initContainers" not in predictor(objects, POD)


def test_it_scales_and_is_kept_as_one(chart: Chart) -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 60}}
    pod = {"replicas": 2, "scaling": {"maxReplicas": 3, "behavior": behavior}}
    objects = chart.render(values={"colocate": TOGETHER["colocate"] | pod})
    assert only(objects, "PodDisruptionBudget")["metadata"]["name"] == POD
    scaler = only(objects, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["scaleTargetRef"]["name"], scaler["maxReplicas"]) == (f"{POD}-predictor", 3)
    assert predictor(objects, POD)["minReplicas"] == 2


def test_the_servers_options_stand_before_the_predictors(chart: Chart) -> None:
    values = {
        "predictors": {"options": {"log_level": "debug"}},
        "colocate": TOGETHER["colocate"] | {"options": {"drain_seconds": 50}},
    }
    objects = chart.render(values=values)
    server, _ = read_blocks(container(objects, POD)["args"])
    assert server == ["--drain_seconds=50", "--log_level=debug"]
    assert "--log_level=debug" in container(objects, "parley-detector")["args"]


def test_the_basic_chats_route_leads_to_the_pod(chart: Chart) -> None:
    values = {"basicChat": {"enabled": True}, "ingress": {"enabled": True}}
    objects = chart.render(values=TOGETHER | values)
    (rule,) = find(objects, "HTTPRoute", "parley-basic-chat")["spec"]["rules"]
    assert rule["matches"][0]["path"]["value"] == "/v1/models/parley-chat:predict"
    assert rule["backendRefs"][0]["name"] == f"{POD}-predictor"
    (rule,) = find(objects, "Ingress", "parley-basic-chat")["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == f"{POD}-predictor"
    assert policy(objects, "basic-chat")["podSelector"] == {
        "matchLabels": {"serving.kserve.io/inferenceservice": POD}
    }


def test_a_canary_of_the_chat_has_a_pod_of_its_own(chart: Chart) -> None:
    objects = chart.render(values=TOGETHER | {"chat": {"canary": {"weight": 10}}})
    assert services(objects) == {POD, "parley-detector", "parley-chat-canary"}
    first, canary = graph(objects)["chat"]["steps"]
    assert "parley-chat:predict" in first["serviceUrl"]
    assert canary["serviceName"] == "parley-chat-canary"


def test_without_it_no_pod_is_shared(chart: Chart) -> None:
    assert POD not in services(chart.render())
    assert "InferenceGraph" in kinds(chart.render())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"chat": {"replicas": 2}}, "chat.replicas: chat shares the pod of `colocate`; set"),
        ({"chat": {"scaling": {"maxReplicas": 2}}}, "chat.scaling: chat shares the pod"),
        ({"translator": {"accelerator": {"count": 2}}}, "set colocate.accelerator"),
        (
            {"languages": {"fr": {"toEnglish": {"resources": {"limits": {"cpu": 1}}}}}},
            "translate-fr-en: resources: it shares the pod of `colocate`",
        ),
        (
            {"chat": {"options": {"log_level": "debug"}}},
            "chat: options.log_level: it shares the server of `colocate`",
        ),
        (
            {"chat": {"model": "", "openai": {"url": "http://llm/v1", "model": "m"}}},
            "chat: its model is on another server and needs no part of a GPU",
        ),
        (
            {"predictors": {"storageUri": "hf://a/b"}, "chat": {"model": "/mnt/models"}},
            "chat: storageUri: KServe fetches one model for a pod",
        ),
        (
            {"chat": {"model": "embedded:smollm2-135m-instruct"}},
            "colocate.image.variant: embedded:smollm2-135m-instruct is in an image for CPUs",
        ),
        ({"colocate": {"predictors": ["chatt"]}}, "there is no chatt here; there are chat, detec"),
        ({"colocate": {"predictors": ["detector"]}}, "only chat and translators share a pod"),
        ({"colocate": {"predictors": ["chat-canary"]}}, "there is no chat-canary here"),
        ({"languages": {"fr": {"direct": True}}}, "there is no translators here"),
        (
            {"colocate": {"predictors": ["chat"], "replicas": 3, "scaling": {"maxReplicas": 2}}},
            "colocated: scaling.maxReplicas 2 is below replicas 3",
        ),
        ({"colocate": {"predictors": ["chat"], "options": {"threads": 1}}}, "threads"),
    ],
)
def test_what_one_of_several_in_a_pod_cannot_have_is_refused(
    values: dict[str, Any], words: str, chart: Chart
) -> None:
    with pytest.raises(Refused) as caught:
        chart.render(values=TOGETHER | values)
    assert words in str(caught.value)
