"""GPUs by dynamic resource allocation: pods wait for devices with a reason, and are given them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.cli.main import main
from graph.cluster.doctor.gpus import check_gpus
from graph.cluster.parts.model import first_trouble
from graph.cluster.reasons.model import Cause, Reason
from graph.cluster.status import read_status
from tests.cluster import dra_driver, strangers
from tests.cluster.deployment import MANIFESTS
from tests.cluster.harness import Cluster
from tests.cluster.kube import Kubectl, until
from tests.cluster.model_hub import VOLUME

pytestmark = pytest.mark.cluster

SPACE = "parley-claims"
FILES = Path(__file__).parent / "files"
MODELS = ("chat", "translate-fr-en", "translate-en-fr")
KINDS = ("InferenceService", "PersistentVolumeClaim", "ResourceClaimTemplate")
Object = dict[str, Any]
TEMPLATE = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceClaimTemplate",
    "metadata": {"name": "one"},
    "spec": {
        "spec": {
            "devices": {
                "requests": [{"name": "gpu", "exactly": {"deviceClassName": dra_driver.NAME}}],
                # The driver gives them to the container, with "user_" before their names.
                "config": [{"opaque": {"driver": dra_driver.NAME, "parameters": {"told": "yes"}}}],
            }
        }
    },
}


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    if not cluster.own:
        pytest.skip("starts a driver on a node, which only our own may be asked")
    with strangers.namespace(cluster.kubectl, SPACE) as name:
        yield name


@pytest.fixture
def offer(cluster: Cluster) -> Iterator[Callable[[int], Path]]:
    """Starts the driver with so many devices."""
    with ExitStack() as stack:
        yield lambda devices: stack.enter_context(
            dra_driver.offering(cluster.kubectl, devices, os.environ)
        )


@pytest.fixture
def emptied(cluster: Cluster, space: str, offer: Callable[[int], Path]) -> Iterator[str]:
    """The namespace, from which the pods go before the driver does, also after a failure."""
    yield space
    end_pods(cluster.kubectl, space)


@pytest.fixture
def device_class(cluster: Cluster) -> Iterator[str]:
    """The file of the driver's class, which is not there before, and taken off in the end."""
    file = str(FILES / "device-class.yaml")
    delete = ("delete", "-f", file, "--ignore-not-found")
    cluster.kubectl(*delete)
    yield file
    cluster.kubectl(*delete)


@pytest.fixture
def overlay(cluster: Cluster, emptied: str) -> Iterator[str]:
    """What of the overlay makes pods, in a namespace of its own, with a volume for the models."""
    kubectl = cluster.kubectl
    volume = yaml.safe_load((FILES / "volume.yaml").read_text())
    volume["metadata"]["name"] = SPACE
    volume["spec"]["claimRef"]["namespace"] = SPACE
    VOLUME.mkdir()
    # That of an interrupted run is bound to its claim still.
    kubectl("delete", "persistentvolume", SPACE, "--ignore-not-found")
    kubectl.apply(json.dumps(volume))
    strangers.put(kubectl, emptied, *read_overlay(kubectl))
    yield emptied
    kubectl("delete", "persistentvolume", SPACE, "--wait=false")
    shutil.rmtree(VOLUME)


def test_pods_of_the_overlay_wait_for_devices_with_a_reason_and_are_given_them(
    cluster: Cluster,
    overlay: str,
    device_class: str,
    offer: Callable[[int], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    kubectl = cluster.kubectl
    for name in MODELS:
        reason = until(partial(told, cluster, overlay, name), f"a reason of {name}", 60)
        assert reason.cause is Cause.NO_DEVICE
        assert f"asks for DeviceClass {dra_driver.NAME}, which is not there" in reason.message
    kubectl("apply", "-f", device_class)
    for name in MODELS:
        until(partial(lacks_device, cluster, overlay, name), f"a device that {name} lacks", 60)
    kubeconfig = str(kubectl.kubeconfig)
    assert main(["wait", "-n", overlay, "--timeout", "1", "--kubeconfig", kubeconfig]) == 3
    assert "no node has a free device for ResourceClaim " in capsys.readouterr().err
    prepared = offer(len(MODELS))
    claims = [until(partial(reserved, kubectl, overlay, n), f"{n} on a node", 60) for n in MODELS]
    [template] = kubectl.list("resourceclaimtemplates", overlay)
    asked = template["spec"]["spec"]["devices"]["requests"]
    assert [claim["spec"]["devices"]["requests"] for claim in claims] == [asked] * len(MODELS)
    assert len({device_of(claim) for claim in claims}) == len(MODELS)
    for claim in claims:
        until(partial(is_prepared, prepared, claim), "what the container gets", 60)
    with strangers.connect(cluster, overlay) as connected:
        [finding] = check_gpus(connected)
    assert f"{len(MODELS)} devices of {dra_driver.NAME} (DeviceClass" in finding.found
    end_pods(kubectl, overlay)
    assert not any(is_prepared(prepared, claim) for claim in claims)


def test_a_container_gets_the_device_that_its_service_claims(
    cluster: Cluster, emptied: str, device_class: str, offer: Callable[[int], Path]
) -> None:
    kubectl = cluster.kubectl
    kubectl("apply", "-f", device_class)
    offer(1)
    strangers.put(kubectl, emptied, claiming())
    reason = until(partial(told, cluster, emptied, "claiming"), "what is missing", 60)
    assert reason.cause is Cause.MISSING
    assert reason.message == "ResourceClaimTemplate one is not there"
    strangers.put(kubectl, emptied, TEMPLATE)
    strangers.until_ready(kubectl, emptied, "claiming-predictor")
    [pod] = pods_of(kubectl, emptied, "claiming")
    name = pod["metadata"]["name"]
    environ = kubectl("exec", name, "-n", emptied, "-c", "kserve-container", "--", "env")
    assert "user_told=yes" in environ.splitlines()


def claiming() -> Object:
    """A stranger's service whose container claims a device of the template."""
    few = {"cpu": "10m", "memory": "32Mi"}
    resources = {"requests": few, "limits": few | {"cpu": "500m"}, "claims": [{"name": "gpu"}]}
    claims = [{"name": "gpu", "resourceClaimTemplateName": "one"}]
    return strangers.service("claiming", {"resources": resources}, resourceClaims=claims)


def read_overlay(kubectl: Kubectl) -> list[Object]:
    rendered = kubectl("kustomize", str(MANIFESTS / "overlays" / "gpu-claims"))
    chosen = [item for item in yaml.safe_load_all(rendered) if item["kind"] in KINDS]
    for item in chosen:
        item["metadata"]["namespace"] = SPACE
        predictor = item["spec"].get("predictor", {})
        for container in (*predictor.get("containers", ()), *predictor.get("initContainers", ())):
            # They are not on the node, and a pod that asks a registry for one ends only after that.
            container["imagePullPolicy"] = "Never"
    return [item for item in chosen if item["metadata"]["name"] != "detector"]


def told(cluster: Cluster, space: str, name: str) -> Reason | None:
    """Why a service does not run, as `parley status` tells it."""
    if not pods_of(cluster.kubectl, space, name):
        return None
    with strangers.connect(cluster, space) as connected:
        path = first_trouble(read_status(connected, [name]))
    return path[-1].reason if path else None


def lacks_device(cluster: Cluster, space: str, name: str) -> bool:
    reason = told(cluster, space, name)
    free = "no node has a free device for ResourceClaim"
    return reason is not None and reason.message.startswith(f"{free} {name}-predictor-")


def reserved(kubectl: Kubectl, space: str, name: str) -> Object | None:
    """The claim of a service's pod, once the pod is on a node with it."""
    for pod in pods_of(kubectl, space, name):
        for made in pod["status"].get("resourceClaimStatuses", ()):
            claim = kubectl.get("resourceclaim", made["resourceClaimName"], space)
            users = [user["name"] for user in claim["status"].get("reservedFor", ())]
            if "nodeName" in pod["spec"] and users == [pod["metadata"]["name"]]:
                return claim
    return None


def device_of(claim: Object) -> str:
    [result] = claim["status"]["allocation"]["devices"]["results"]
    return str(result["device"])


def is_prepared(folder: Path, claim: Object) -> bool:
    return any(claim["metadata"]["uid"] in file.name for file in folder.iterdir())


def pods_of(kubectl: Kubectl, space: str, name: str) -> list[Object]:
    return kubectl.list("pods", space, f"serving.kserve.io/inferenceservice={name}")


def end_pods(kubectl: Kubectl, space: str) -> None:
    """A pod is gone when its node has given its devices back."""
    kubectl("delete", "inferenceservices", "--all", "-n", space)
    until(lambda: not kubectl.list("deployments", space), "the end of the deployments", 60)
    kubectl("delete", "pods", "--all", "-n", space, "--grace-period=1", timeout=90)
