"""The GPUs that pods may ask for: extended resources, and devices that DRA drivers offer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from graph.cluster.connection import Cluster
from graph.cluster.doctor.model import Finding, note, ok
from graph.cluster.doctor.reading import labels_of, read_list
from graph.cluster.reasons.model import Object
from graph.cluster.reasons.scheduling import is_gpu

_DRA = "resource.k8s.io/v1"
_LABEL = "nvidia.com/gpu.present"
# Parts of a driver's name, such as gpu.nvidia.com, gpu.amd.com and gaudi.intel.com.
_DRIVERS = {"gpu", "gaudi"}


def check_gpus(cluster: Cluster) -> Iterator[Finding]:
    yield judge_gpus(
        read_list(cluster, "v1", "Node") or (),
        read_list(cluster, _DRA, "ResourceSlice") or (),
        read_list(cluster, _DRA, "DeviceClass") or (),
    )


def judge_gpus(
    nodes: Sequence[Object], slices: Sequence[Object], classes: Sequence[Object]
) -> Finding:
    """What all nodes and all drivers offer together."""
    resources = [f"{amount} {name}" for name, amount in _count_resources(nodes).items()]
    drivers = _count_devices(slices)
    chosen = {driver: _classes_of(driver, classes) for driver in drivers}
    devices = [
        f"{amount} devices of {driver} (DeviceClass {', '.join(chosen[driver]) or 'none'})"
        for driver, amount in drivers.items()
    ]
    told = ", ".join(resources + devices)
    if not told:
        fix = "apply an overlay for CPUs, or install the device plugin or DRA driver of the GPUs"
        return note("GPUs", "no node offers any", fix)
    if not all(chosen.values()):
        return note("GPUs", told, "make a DeviceClass for the driver: a claim names one")
    labelled = any(labels_of(node).get(_LABEL) == "true" for node in nodes)
    if any("nvidia.com" in each for each in resources) and not labelled:
        fix = "label the nodes, as NVIDIA's GPU feature discovery does: the manifests select by it"
        return note("GPUs", f"{told}, but no node has the label {_LABEL}=true", fix)
    if not resources:
        told += "; overlays/gpu-claims asks for them"
    return ok("GPUs", told)


def _count_resources(nodes: Sequence[Object]) -> Counter[str]:
    amounts: Counter[str] = Counter()
    for node in nodes:
        for name, amount in (node.get("status", {}).get("allocatable") or {}).items():
            if is_gpu(name) and str(amount).isdigit() and int(amount):
                amounts[name] += int(amount)
    return amounts


def _count_devices(slices: Sequence[Object]) -> Counter[str]:
    """By driver. Of a pool only the newest generation counts, as it does for the scheduler."""
    newest: dict[tuple[str, str], int] = {}
    for spec in (each["spec"] for each in slices):
        key = spec["driver"], spec["pool"]["name"]
        newest[key] = max(newest.get(key, 0), spec["pool"]["generation"])
    amounts: Counter[str] = Counter()
    for spec in (each["spec"] for each in slices):
        driver, pool = spec["driver"], spec["pool"]
        if newest[driver, pool["name"]] == pool["generation"] and _DRIVERS & {*driver.split(".")}:
            amounts[driver] += len(spec.get("devices") or ())
    return +amounts


def _classes_of(driver: str, classes: Sequence[Object]) -> list[str]:
    """Those whose conditions name the driver."""
    return [each["metadata"]["name"] for each in classes if driver in json.dumps(each["spec"])]
