"""Who may talk to whom, and what a release needs of the cluster."""

from __future__ import annotations

import pytest

from tests.deploy.chart import Chart, Refused, by_name, find, kinds, policy
from tests.deploy.rendered import only


def test_only_the_pods_of_the_release_are_closed(chart: Chart) -> None:
    objects = chart.render(release="mine")
    deny = find(objects, "NetworkPolicy", "mine-default-deny")["spec"]
    assert deny["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "mine"


def test_without_policies_there_are_none(chart: Chart) -> None:
    assert "NetworkPolicy" not in kinds(
        chart.render(values={"networkPolicies": {"enabled": False}})
    )


def test_installing_needs_no_right_over_the_cluster(chart: Chart) -> None:
    for item in chart.render(values={"basicChat": {"enabled": True}}):
        assert item["metadata"]["namespace"] == "parley", item["kind"]


def test_the_pod_policy_is_asked_for(chart: Chart) -> None:
    objects = chart.render(values={"podSecurity": {"policy": True}}, namespace="mine")
    binding = only(objects, "ValidatingAdmissionPolicyBinding")
    assert binding["metadata"]["name"] == "mine-restricted"


def test_two_releases_share_no_object_and_no_pod(chart: Chart) -> None:
    first, second = (set(by_name(chart.render(release=name))) for name in ("one", "two"))
    assert first and not first & second


@pytest.mark.parametrize("name", ["a" * 50, "1parley"])
def test_a_release_whose_names_kserve_would_refuse_is_refused(name: str, chart: Chart) -> None:
    with pytest.raises(Refused, match="set names.prefix"):
        chart.render(release=name)


def test_prometheus_is_let_in_by_name(chart: Chart) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
    objects = chart.render(values={"networkPolicies": {"monitoring": {"prometheus": peer}}})
    assert policy(objects, "monitoring")["ingress"][0]["from"] == [peer]
