"""`parley doctor` on a real cluster: all is well but what this cluster lacks, and that is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.cli.main import main
from graph.cluster.doctor.examination import CHECKS, examine
from graph.cluster.doctor.model import Finding, Verdict
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import located

# It looks at the whole cluster, which must not lose a node meanwhile.
pytestmark = [pytest.mark.cluster, pytest.mark.project]
SPACE = "parley-doctor"
IMAGE = "parley-detector:0.1.0"


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    with strangers.namespace(cluster.kubectl, SPACE) as name:
        yield name


def told(findings: list[Finding], check: str) -> list[str]:
    return [f"{each.verdict}: {each.found}" for each in findings if each.check == check]


def test_a_cluster_that_has_all_it_needs_has_no_failure(
    cluster: Cluster, space: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = str(cluster.kubectl.kubeconfig)
    assert main(["doctor", "-n", space, "-o", "json", "--kubeconfig", kubeconfig]) == 0
    findings = [Finding(**each) for each in json.loads(capsys.readouterr().out)]
    assert {each.verdict for each in findings} <= {"ok", "note"}
    for check in CHECKS.keys() - {"add-ons"}:
        assert any(each.check.startswith(check.removesuffix("s")) for each in findings), check
    assert all(each.fix for each in findings if each.verdict != "ok")
    [rights] = told(findings, "rights")
    assert rights.endswith(f"of the Role in namespace {space}")


def test_whoever_has_few_rights_is_told_which_are_missing(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    limited = kubeconfigs.of_account(cluster.kubectl, space, rules, tmp_path)
    with strangers.connect(cluster, space, limited) as connected:
        findings = list(examine(connected))
    assert f"failure: you may not get pods/log in namespace {space}" in told(findings, "rights")
    assert not any("pods in" in words for words in told(findings, "rights"))
    [nodes] = told(findings, "nodes")
    assert nodes.startswith("note: ") and nodes.endswith("may not list nodes in the whole cluster")


def test_pod_security_that_refuses_routers_is_told(cluster: Cluster, space: str) -> None:
    label = "pod-security.kubernetes.io/enforce"
    cluster.kubectl("label", "namespace", space, f"{label}=restricted")
    with strangers.connect(cluster, space) as connected:
        [words] = told(list(CHECKS["namespace"](connected)), "namespace")
    cluster.kubectl("label", "namespace", space, f"{label}-")
    assert words.startswith(f"failure: {space} enforces pod security restricted")
    with strangers.connect(cluster, "parley-nowhere") as connected:
        [words] = told(list(CHECKS["namespace"](connected)), "namespace")
    assert words.startswith('failure: namespace "parley-nowhere"')


def test_pods_try_images_dns_and_policies_and_leave_nothing(cluster: Cluster, space: str) -> None:
    image = located(IMAGE)
    with strangers.connect(cluster, space) as connected:
        findings = list(examine(connected, [image, "parley-nothing:8"]))
    assert told(findings, f"image {image}") == ["ok: is pulled"]
    [missing] = [each for each in findings if each.check == "image parley-nothing:8"]
    assert missing.verdict is Verdict.FAILURE
    assert told(findings, "DNS from a pod") == ["ok: answers"]
    [policies] = told(findings, "NetworkPolicy")
    expected = ("ok: is enforced",) if cluster.own else ("ok", "note: is not enforced")
    assert policies.startswith(expected)
    left = cluster.kubectl.list("pods,networkpolicies", space)
    assert all("deletionTimestamp" in item["metadata"] for item in left)
