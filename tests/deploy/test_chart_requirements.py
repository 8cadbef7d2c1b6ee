"""What a cluster lacks is said at render time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.chart import CLUSTER_APIS, Chart, Refused


def test_a_cluster_with_all_that_is_needed_is_taken(chart: Chart) -> None:
    assert chart.render(apis=CLUSTER_APIS)


@pytest.mark.parametrize(
    ("missing", "values", "sentence"),
    [
        ("InferenceGraph", {}, "this cluster has no KServe"),
        ("HTTPRoute", {}, "httpRoute.enabled: this cluster has no Gateway API"),
        ("PodMonitor", {"podMonitor": {"enabled": True}}, "podMonitor.enabled: .*operator"),
        (
            "LocalModelNamespaceCache",
            {"weights": {"nodeCache": {"nodeGroups": ["a"]}}},
            "weights.nodeCache.nodeGroups: KServe's local models are not installed",
        ),
        (
            "ValidatingAdmissionPolicy",
            {"podSecurity": {"policy": True}},
            "podSecurity.policy: this cluster has no ValidatingAdmissionPolicy",
        ),
    ],
)
def test_what_a_cluster_lacks_is_said(
    missing: str, values: dict[str, Any], sentence: str, chart: Chart
) -> None:
    apis = [api for api in CLUSTER_APIS if not api.endswith(missing)]
    with pytest.raises(Refused, match=sentence):
        chart.render(values=values, apis=apis)


def test_without_a_cluster_nothing_is_asked_of_one(chart: Chart) -> None:
    assert chart.render(values={"podMonitor": {"enabled": True}})


def test_an_old_kubernetes_is_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="requires kubeVersion: >=1.30"):
        chart.render(kubernetes="1.29.9")
