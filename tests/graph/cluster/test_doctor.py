"""What a cluster lacks is told of objects as the API server gives them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from graph.cluster.doctor.gpus import judge_gpus
from graph.cluster.doctor.kserve import judge_controller, judge_settings
from graph.cluster.doctor.model import Finding, Verdict
from graph.cluster.doctor.network import judge_gateway
from graph.cluster.doctor.nodes import judge_classes
from graph.cluster.doctor.probe import await_pod
from graph.cluster.doctor.reading import has_field
from graph.cluster.doctor.rights import ROLE, Right, read_rights
from graph.cluster.snapshot import Snapshot
from tests.graph.cluster.given import snapshot_of

OK, NOTE, FAILURE = Verdict.OK, Verdict.NOTE, Verdict.FAILURE
Object = dict[str, Any]


def controller(image: str, available: int = 1) -> Object:
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
    return {
        "metadata": {"namespace": "kserve", "generation": 1},
        "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
        "status": status | {"availableReplicas": available},
    }


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (controller("kserve/kserve-controller:v0.20.0"), OK, "0.20.0 in kserve"),
        (controller("kserve/kserve-controller:v0.15.2"), NOTE, "0.15.2 in kserve"),
        (controller("registry:5000/controller@sha256:1"), NOTE, "unknown version"),
        (controller("kserve/kserve-controller:v0.20.0", 0), FAILURE, "0 of 1 pods available"),
    ],
)
def test_the_version_and_the_state_of_kserve(found: Object, verdict: Verdict, words: str) -> None:
    finding = judge_controller(found)
    assert (finding.verdict, words in finding.found) == (verdict, True), finding


def settings(**values: Any) -> list[Finding]:
    data = {"_example": "{not json", "deploy": {"defaultDeploymentMode": "Standard"}} | values
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in data.items()}
    return list(judge_settings({"metadata": {"namespace": "kserve"}, "data": texts}, False))


def test_settings_that_are_well() -> None:
    assert {finding.verdict for finding in settings()} == {OK}


@pytest.mark.parametrize(
    ("values", "verdict", "words"),
    [
        ({"router": "{,"}, FAILURE, "router is no JSON"),
        ({"router": {"headers": {"propagate": []}}}, FAILURE, "pass on every header"),
        ({"deploy": {"defaultDeploymentMode": "Knative"}}, NOTE, "Knative is not installed"),
        ({"deploy": {}}, NOTE, "Knative is not installed"),
    ],
)
def test_settings_that_are_not(values: Object, verdict: Verdict, words: str) -> None:
    [finding] = [finding for finding in settings(**values) if finding.verdict is not OK]
    assert (finding.verdict, words in finding.found) == (verdict, True), finding
    assert finding.fix


CLASS = {"spec": {"controllerName": "example.com/gateway"}}


def gateway(allowed: Object, programmed: str = "True") -> Object:
    return {
        "metadata": {"name": "front", "namespace": "gateways"},
        "spec": {
            "gatewayClassName": "envoy",
            "listeners": [{"allowedRoutes": {"namespaces": allowed}}],
        },
        "status": {"conditions": [{"type": "Programmed", "status": programmed}]},
    }


@pytest.mark.parametrize(
    ("found", "chosen", "verdict", "words"),
    [
        (gateway({"from": "All"}), CLASS, OK, "gateways/front by example.com/gateway"),
        (gateway({"from": "All"}), None, FAILURE, "no class envoy"),
        (gateway({"from": "All"}, "False"), CLASS, FAILURE, "is not programmed"),
        (gateway({"from": "Same"}), CLASS, NOTE, "takes no routes of namespace parley"),
        (gateway({}), CLASS, NOTE, "takes no routes of namespace parley"),
        (gateway({"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}), CLASS, OK, ""),
        (gateway({"from": "Selector", "selector": {"matchLabels": {"a": "c"}}}), CLASS, NOTE, ""),
    ],
)
def test_a_gateway_takes_routes_of_the_namespace(
    found: Object, chosen: Object | None, verdict: Verdict, words: str
) -> None:
    finding = judge_gateway(found, chosen, "parley", {"a": "b"})
    assert (finding.verdict, words in finding.found) == (verdict, True), finding


def node(labels: Object, **resources: str) -> Object:
    allocatable = {f"nvidia.com/{name.replace('_', '-')}": n for name, n in resources.items()}
    return {"metadata": {"labels": labels}, "status": {"allocatable": {"cpu": "4"} | allocatable}}


def test_gpus_of_all_nodes_are_counted() -> None:
    label = {"nvidia.com/gpu.present": "true"}
    nodes = [node(label, gpu="4"), node(label, gpu="2", mig_1g="7"), node({})]
    found = judge_gpus(nodes, [], [])
    assert found == Finding("GPUs", OK, "6 nvidia.com/gpu, 7 nvidia.com/mig-1g")
    assert judge_gpus([node({}), node({}, gpu="0")], [], []).found == "no node offers any"
    assert "no node has the label" in judge_gpus([node({}, gpu="1")], [], []).found


def devices(driver: str, pool: str, generation: int, count: int) -> Object:
    """A ResourceSlice."""
    named = {"name": pool, "generation": generation, "resourceSliceCount": 1}
    return {
        "spec": {
            "driver": driver,
            "pool": named,
            "devices": [{"name": f"gpu-{number}"} for number in range(count)],
        }
    }


def device_class(name: str, driver: str) -> Object:
    selector = {"cel": {"expression": f'device.driver == "{driver}"'}}
    return {"metadata": {"name": name}, "spec": {"selectors": [selector]}}


@pytest.mark.parametrize(
    ("nodes", "classes", "verdict", "words"),
    [
        (
            [node({})],
            ["gpu.nvidia.com"],
            OK,
            "6 devices of gpu.nvidia.com (DeviceClass big, all)",
        ),
        ([node({})], ["gpu.amd.com"], NOTE, "6 devices of gpu.nvidia.com (DeviceClass none)"),
        ([node({}, gpu="1")], ["gpu.nvidia.com"], NOTE, "no node has the label"),
    ],
)
def test_devices_of_drivers_are_counted_in_the_newest_state_of_their_pools(
    nodes: list[Object], classes: list[str], verdict: Verdict, words: str
) -> None:
    slices = [
        devices("gpu.nvidia.com", "one", 1, 8),
        devices("gpu.nvidia.com", "one", 2, 4),
        devices("gpu.nvidia.com", "two", 1, 2),
        devices("dra.net", "one", 1, 16),
    ]
    named = [device_class(name, driver) for driver in classes for name in ("big", "all")]
    finding = judge_gpus(nodes, slices, named)
    assert (finding.verdict, words in finding.found) == (verdict, True), finding
    assert "dra.net" not in finding.found


def storage(name: str, provisioner: str, default: bool = False) -> Object:
    value = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {"metadata": {"name": name, "annotations": value}, "provisioner": provisioner}


@pytest.mark.parametrize(
    ("classes", "several", "verdict", "words"),
    [
        ([], False, NOTE, "no storage class"),
        ([storage("disk", "ebs.csi.aws.com", True)], False, OK, "disk (default) by ebs.csi"),
        ([storage("disk", "ebs.csi.aws.com", True)], True, NOTE, "none is known to give ReadWrite"),
        ([storage("nfs", "nfs.csi.k8s.io", True)], True, OK, "nfs (default)"),
        ([storage("nfs", "nfs.csi.k8s.io")], True, NOTE, "none is the default"),
    ],
)
def test_storage_classes(
    classes: list[Object], several: bool, verdict: Verdict, words: str
) -> None:
    finding = judge_classes(classes, several)
    assert (finding.verdict, words in finding.found) == (verdict, True), finding


def test_fields_are_found_through_lists_and_maps() -> None:
    step = {"properties": {"condition": {"type": "string"}}}
    nodes = {"additionalProperties": {"properties": {"steps": {"items": step}}}}
    schema = {"properties": {"spec": {"properties": {"nodes": nodes}}}}
    assert has_field(schema, "spec.nodes.*.steps.*.condition")
    assert not has_field(schema, "spec.nodes.*.steps.*.dependency")
    assert not has_field(schema, "spec.timeouts.read")


def test_every_right_of_the_shipped_role_is_asked_for() -> None:
    rights = list(read_rights(yaml.safe_load(ROLE.read_text("utf-8"))))
    assert Right("", "pods/portforward", "create") in rights
    assert Right("serving.kserve.io", "inferencegraphs", "patch") in rights
    assert len(rights) == len(set(rights))


def test_a_pod_that_ended_while_another_was_waited_for_is_seen_at_once() -> None:
    """It changes no more, so that who waits for a change waits in vain."""
    pod = {"kind": "Pod", "metadata": {"name": "ended"}, "status": {"phase": "Succeeded"}}
    waited: list[float] = []

    def read(seconds: float) -> Snapshot:
        waited.append(seconds)
        return snapshot_of([pod], "parley")

    found, reason = await_pod(read, "ended", lambda pod: pod.phase == "Succeeded")
    assert (found.name, reason, waited) == ("ended", None, [0])
