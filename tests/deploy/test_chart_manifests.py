"""The chart installs what the manifests do: the same objects, but for what is listed here."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.chart import Chart, by_name
from tests.deploy.rendered import Objects, only

# The manifests as a chart's values: no prefix, policies for a whole namespace, both doors.
AS_MANIFESTS: dict[str, Any] = {
    "names": {"prefix": ""},
    "weights": {"volume": {"name": "parley-models"}},
    "networkPolicies": {"scope": "namespace"},
    "podSecurity": {"policy": True},
    "ingress": {"enabled": True},
    # A component there.
    "chatGateway": {"enabled": False},
}
ITALIAN = "hf:google/flan-t5-large@0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a"
WITH_ITALIAN = {
    "languages": {"it": {"toEnglish": {"model": ITALIAN}, "fromEnglish": {"model": ITALIAN}}}
}
TRANSLATION: dict[str, Any] = {
    "multilingualChat": {"enabled": False},
    "translation": {"enabled": True, "prefix": ""},
    "timeouts": {"turn": 240},
}
MIG = {"predictors": {"accelerator": {"resourceName": "nvidia.com/mig-3g.20gb"}}}

# The second application, with another model than its default.
FLAN_T5 = {**TRANSLATION, "translation": {**TRANSLATION["translation"], "model": ITALIAN}}
# A folder of manifests, the profiles that stand for it, and values besides.
PAIRS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "base": ((), {}),
    "overlays/cpu": (("cpu",), {}),
    "overlays/embedded": (("embedded",), {}),
    "overlays/gateway-embedded": (("embedded",), {"chatGateway": {"enabled": True}}),
    "overlays/gpu-claims": (("gpu-claims",), {}),
    "overlays/gpu-shared": (("gpu-shared",), {}),
    "overlays/gpu-shared/mig": ((), MIG),
    "overlays/italian": (("cpu",), WITH_ITALIAN),
    "overlays/translator-flan-t5": (("cpu",), FLAN_T5),
    "translator": (("embedded",), TRANSLATION),
}
# Helm makes the namespace (--create-namespace), and a budget stands where there are two pods.
ONLY_IN_MANIFESTS = {"Namespace", "PodDisruptionBudget"}
# Up to four pods of each predictor and of the router.
SCALED = {"predictors": {"scaling": {"maxReplicas": 4}}, "router": {"maxReplicas": 4}}
# A chart is uninstalled by a key press, and the volume took hours to fill.
KEEP = "helm.sh/resource-policy"
HASHED = {"Job", "ResourceClaimTemplate"}
HASH = re.compile(r"-[a-z0-9]{10}$")


@pytest.mark.parametrize("folder", PAIRS)
def test_the_chart_renders_the_objects_of_the_manifests(
    folder: str, either_helm: Chart, objects: Callable[[str], Objects]
) -> None:
    files, values = PAIRS[folder]
    wanted = [item for item in objects(folder) if item["kind"] not in ONLY_IN_MANIFESTS]
    rendered = render_like(objects(folder), either_helm, files, values)
    expected = {key: normal(item) for key, item in named(wanted).items()}
    assert {key: normal(item) for key, item in named(rendered).items()} == expected


@pytest.mark.parametrize("folder", ["overlays/embedded", "translator"])
def test_with_two_replicas_it_renders_their_budgets_too(
    folder: str, chart: Chart, objects: Callable[[str], Objects]
) -> None:
    files, values = PAIRS[folder]
    twice = values | {"predictors": {"replicas": 2}, "router": {"replicas": 2}}
    kind = "PodDisruptionBudget"
    wanted = [item for item in objects(folder) if item["kind"] == kind]
    rendered = render_like(objects(folder), chart, files, twice)
    budgets = [item for item in rendered if item["kind"] == kind]
    assert wanted
    assert {key: normal(item) for key, item in named(budgets).items()} == {
        key: normal(item) for key, item in named(wanted).items()
    }


def test_with_pods_at_the_most_it_renders_the_objects_of_the_component(
    chart: Chart, compose: Callable[..., Objects]
) -> None:
    manifests = compose("autoscaling")
    rendered = named(render_like(manifests, chart, ("embedded",), SCALED))
    wanted = {
        key: normal(item)
        for key, item in named(manifests).items()
        if key[0] in ("InferenceService", "InferenceGraph")
    }
    for key in wanted:
        # Pods of the chart's spread over the nodes where there may be several.
        rendered[key]["spec"].get("predictor", {}).pop("topologySpreadConstraints", None)
    assert len(wanted) == 5
    assert {key: normal(rendered[key]) for key in wanted} == wanted


def test_the_autoscalers_of_two_replicas_begin_with_two(compose: Callable[..., Objects]) -> None:
    graph = only(compose("two-replicas", "autoscaling"), "InferenceGraph")["spec"]
    assert (graph["minReplicas"], graph["maxReplicas"]) == (2, 4)


def test_the_profile_gpu_is_the_default(chart: Chart) -> None:
    assert chart.render("gpu") == chart.render()


def test_the_profile_openai_changes_the_chat_of_the_profile_cpu_and_nothing_else(
    chart: Chart,
) -> None:
    cpu, openai = named(chart.render("cpu")), named(chart.render("openai"))
    changed = {key for key in cpu | openai if cpu.get(key) != openai.get(key)}
    assert changed == {
        ("InferenceService", "parley-chat"),
        ("Job", "parley-models"),
        ("NetworkPolicy", "parley-chat-openai"),
    }


def render_like(
    manifests: Objects, chart: Chart, files: tuple[str, ...], values: dict[str, Any]
) -> Objects:
    """The chart as a release whose name and namespace are those of the manifests."""
    (graph,) = (item["metadata"] for item in manifests if item["kind"] == "InferenceGraph")
    return chart.render(
        *files, values=AS_MANIFESTS | values, release=graph["name"], namespace=graph["namespace"]
    )


def named(objects: Objects) -> dict[tuple[str, str], dict[str, Any]]:
    """By kind and name. Both end some names with a hash of what the object says, each its own."""
    return {
        (kind, HASH.sub("", name) if kind in HASHED else name): item
        for (kind, name), item in by_name(objects).items()
    }


def normal(item: dict[str, Any]) -> Any:
    """An object without what Helm must add, and with its unordered lists in one order."""
    item = copy.deepcopy(item)
    if item["kind"] in HASHED:
        del item["metadata"]["name"]
    if item["kind"] == "Job":
        # The release's name, so that a policy knows the Job from that of another release.
        item["spec"]["template"]["metadata"]["labels"].pop("app.kubernetes.io/instance", None)
    if item["kind"] == "InferenceService":
        for claim in item["spec"]["predictor"].get("resourceClaims", ()):
            claim["resourceClaimTemplateName"] = HASH.sub("", claim["resourceClaimTemplateName"])
    if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "models":
        item["spec"]["podSelector"]["matchLabels"].pop("app.kubernetes.io/instance", None)
    # What belongs to a namespace has no release's name in the manifests.
    item["metadata"]["labels"].pop("app.kubernetes.io/instance", None)
    item["metadata"]["labels"].pop("app.kubernetes.io/managed-by", None)
    item["metadata"].setdefault("annotations", {}).pop(KEEP, None)
    # By which overlays/italian finds its own objects.
    item["metadata"]["labels"].pop("language", None)
    return ordered(item)


def ordered(value: Any) -> Any:
    """Lists of arguments, and of what is known by its name, sorted; steps of a graph are not."""
    if isinstance(value, dict):
        return {
            key: by_text(inner) if key in UNORDERED else ordered(inner)
            for key, inner in value.items()
        }
    return [ordered(inner) for inner in value] if isinstance(value, list) else value


UNORDERED = ("args", "env", "volumes", "volumeMounts", "tolerations")


def by_text(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
