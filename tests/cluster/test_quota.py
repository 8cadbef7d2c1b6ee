"""A namespace with a ResourceQuota: everything states what it takes, and a refusal is told."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import yaml

from graph.cli.main import main
from graph.cluster.apply import apply
from graph.cluster.parts.model import first_trouble
from graph.cluster.reasons.model import Cause, Reason
from graph.cluster.status import read_status
from graph.cluster.wait import wait
from graph.errors import Refused
from tests.cluster import quotas, small, strangers
from tests.cluster.deployment import MANIFESTS
from tests.cluster.harness import Cluster
from tests.cluster.kube import Kubectl, until

pytestmark = pytest.mark.cluster

KINDS = ("InferenceService", "InferenceGraph", "Job", "PersistentVolumeClaim")
Object = dict[str, Any]
FEW = {"cpu": "10m", "memory": "16Mi"}
GPU = {"requests": FEW, "limits": FEW | {quotas.GPU: "1"}}
# Room for small pods, and for no GPU and no volume.
SMALL = {
    "pods": 9,
    "requests.cpu": 1,
    "requests.memory": "1Gi",
    "limits.cpu": 1,
    "limits.memory": "1Gi",
    f"requests.{quotas.GPU}": 0,
    "persistentvolumeclaims": 0,
}


def test_the_embedded_chat_fits_a_quota_of_exactly_what_its_objects_state(
    cluster: Cluster, space: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl = cluster.kubectl
    objects = read_objects(kubectl, "overlays/embedded")
    hard = quotas.add_up(objects)
    quotas.put(kubectl, space, hard)
    with strangers.connect(cluster, space) as connected:
        apply(connected, objects)
        assert wait(connected, timeout=180).ready
    assert not quotas.left(kubectl, space)
    # A rollout begins with one pod more, for which there is no room.
    change = '{"metadata": {"annotations": {"changed": "yes"}}}'
    kubectl("patch", "isvc", "chat", "-n", space, "--type=merge", "-p", change)
    until(partial(is_refused, cluster, space, "chat"), "a refusal", 60)
    kubeconfig = str(kubectl.kubeconfig)
    assert main(["wait", "chat", "-n", space, "--timeout", "1", "--kubeconfig", kubeconfig]) == 3
    assert f"ResourceQuota {quotas.NAME} is used up: requested: " in capsys.readouterr().err


def test_the_reference_models_with_their_job_fit_too(cluster: Cluster, space: str) -> None:
    """Their pods are admitted; without a GPU none of them runs, so that KServe makes no router."""
    kubectl = cluster.kubectl
    objects = [o for o in read_objects(kubectl, "base") if o["kind"] != "InferenceGraph"]
    hard = quotas.add_up(objects)
    assert hard[f"requests.{quotas.GPU}"] == 3
    quotas.put(kubectl, space, hard)
    with strangers.connect(cluster, space) as connected:
        apply(connected, objects)
    quotas.wait_until_used_up(kubectl, space)


def test_what_a_quota_refuses_is_told(cluster: Cluster, space: str) -> None:
    quotas.put(cluster.kubectl, space, SMALL)
    gpu = strangers.service("gpu", {"resources": GPU})
    with strangers.connect(cluster, space) as connected:
        with pytest.raises(Refused, match=f"exceeded quota: {quotas.NAME}.*persistentvolumeclaims"):
            apply(connected, small.claim("models"))
        apply(connected, gpu)
    reason = until(partial(is_refused, cluster, space, "gpu"), "a refusal", 60)
    assert f"requested: requests.{quotas.GPU}=1" in reason.message
    assert reason.fix == "ask for less, or have the quota raised"


def read_objects(kubectl: Kubectl, overlay: str) -> list[Object]:
    """Those that take something of a quota, for any namespace."""
    rendered = yaml.safe_load_all(kubectl("kustomize", str(MANIFESTS / overlay)))
    chosen = [item for item in rendered if item["kind"] in KINDS]
    for item in chosen:
        del item["metadata"]["namespace"]
    return chosen


def is_refused(cluster: Cluster, space: str, name: str) -> Reason | None:
    with strangers.connect(cluster, space) as connected:
        path = first_trouble(read_status(connected, [name]))
    reason = path[-1].reason if path else None
    return reason if reason and reason.cause is Cause.REFUSED else None
