"""The namespace holds every pod to `restricted`, and its one exception is as small as it says."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from tests.cluster.deployment import GRAPH, NAMESPACE, Deployment, selector
from tests.cluster.kube import KubectlError

pytestmark = pytest.mark.cluster

CONTAINER = "spec.containers.0"
GOOD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "probe", "namespace": NAMESPACE, "labels": {}},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "probe",
                "image": "probe",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    },
}
# Where a pod breaks `restricted`, and with what; None takes the field away.
VIOLATIONS: dict[str, tuple[str, Any]] = {
    "root": ("spec.securityContext.runAsUser", 0),
    "maybe root": ("spec.securityContext.runAsNonRoot", None),
    "root in a container": (f"{CONTAINER}.securityContext.runAsUser", 0),
    "no seccomp": ("spec.securityContext.seccompProfile", None),
    "unconfined": ("spec.securityContext.seccompProfile", {"type": "Unconfined"}),
    "escalation": (f"{CONTAINER}.securityContext.allowPrivilegeEscalation", None),
    "capabilities kept": (f"{CONTAINER}.securityContext.capabilities", None),
    "capability added": (
        f"{CONTAINER}.securityContext.capabilities",
        {"drop": ["ALL"], "add": ["SYS_PTRACE"]},
    ),
    "privileged": (
        f"{CONTAINER}.securityContext",
        {"privileged": True, "capabilities": {"drop": ["ALL"]}},
    ),
    "host network": ("spec.hostNetwork", True),
    "host path": ("spec.volumes.0", {"name": "tmp", "hostPath": {"path": "/"}}),
    "other volume": ("spec.volumes.0", {"name": "tmp", "nfs": {"server": "x", "path": "/"}}),
}


def pod(path: str = "", value: Any = None, labels: dict[str, str] | None = None) -> str:
    """The good pod with one field changed."""
    made = deepcopy(GOOD)
    made["metadata"]["labels"] = labels or {}
    if path:
        place: Any = made
        *steps, last = path.split(".")
        for step in steps:
            place = place[int(step) if step.isdigit() else step]
        key = int(last) if last.isdigit() else last
        if value is None:
            del place[key]
        else:
            place[key] = value
    return json.dumps(made)


def dry_run(deployment: Deployment, text: str) -> None:
    deployment.kubectl("create", "--dry-run=server", "-f", "-", stdin=text)


def test_a_restricted_pod_is_admitted(embedded: Deployment) -> None:
    dry_run(embedded, pod())


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_pod_that_breaks_one_rule_is_refused(name: str, embedded: Deployment) -> None:
    with pytest.raises(KubectlError, match=r"forbidden|ValidatingAdmissionPolicy"):
        dry_run(embedded, pod(*VIOLATIONS[name]))


def test_the_router_is_excused_from_seccomp_and_from_nothing_else(embedded: Deployment) -> None:
    label = {"serving.kserve.io/inferencegraph": GRAPH}
    dry_run(embedded, pod("spec.securityContext.seccompProfile", None, label))
    for name, (path, value) in VIOLATIONS.items():
        if name in ("no seccomp", "unconfined"):
            continue
        with pytest.raises(KubectlError, match=r"forbidden|ValidatingAdmissionPolicy"):
            dry_run(embedded, pod(path, value, label))


def test_of_the_live_pods_only_the_router_falls_short_of_restricted(embedded: Deployment) -> None:
    """Kubernetes' own check says so, run as if the namespace's label were `restricted`."""
    found = embedded.kubectl(
        *("label", "--dry-run=server", "--overwrite", "namespace", NAMESPACE),
        *("pod-security.kubernetes.io/enforce=restricted", "--v=0", "-o", "name"),
        both=True,
    )
    warned = [line for line in found.splitlines() if line.startswith("Warning: ") and ": " in line]
    routers = {item["metadata"]["name"] for item in embedded.pods(selector(GRAPH))}
    named = {line.split()[1].rstrip(":") for line in warned if "existing pods" not in line}
    assert named and named <= routers, warned
    assert all("seccompProfile" in line for line in warned if "existing pods" not in line)


def test_no_pod_of_ours_has_a_key_to_the_cluster(embedded: Deployment) -> None:
    for item in embedded.pods():
        assert item["spec"]["automountServiceAccountToken"] is False
        mounted = [m for c in item["spec"]["containers"] for m in c.get("volumeMounts", ())]
        assert not any("serviceaccount" in mount["mountPath"] for mount in mounted)
