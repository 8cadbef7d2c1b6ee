"""A driver of dynamic resource allocation on our own node: that of Kubernetes' own tests.

It offers devices without any hardware, under the name of NVIDIA's driver, and gives each container
that claims one some environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import node_files
from tests.cluster.harness import own_sandbox
from tests.cluster.kube import Kubectl
from tests.cluster.node import until_up
from tests.cluster.sandbox import Sandbox
from tests.tools import binaries

NAME = "gpu.nvidia.com"
_PROGRAM = "dra-test-driver"
_LOG = "dra-driver"


@contextmanager
def offering(kubectl: Kubectl, devices: int, environ: Mapping[str, str]) -> Iterator[Path]:
    """While the block lasts, the node offers so many devices; the folder of prepared claims.

    Pods that claim some must be gone at its end, for without a driver the kubelet cannot end them.
    """
    box = own_sandbox()
    folder = node_files.cdi(box.state)
    program = binaries.build([_PROGRAM], environ)[_PROGRAM]
    _start(box, program, kubectl, devices, folder)
    try:
        until_up(box, lambda: _count(kubectl) == devices, _LOG, 30)
        yield folder
    finally:
        box.stop(_LOG)
        kubectl("delete", "resourceslices", f"--field-selector=spec.driver={NAME}")


def _start(box: Sandbox, program: Path, kubectl: Kubectl, devices: int, folder: Path) -> None:
    kubelet = box.state / "kubelet"
    # The driver makes the folder above it only.
    (kubelet / "plugins" / NAME).mkdir(exist_ok=True)
    command = [
        str(program),
        f"--kubeconfig={kubectl.kubeconfig}",
        f"--drivername={NAME}",
        "kubelet-plugin",
        f"--node-name={node_files.FIRST.name}",
        f"--num-devices={devices}",
        f"--plugin-registration-path={kubelet / 'plugins_registry'}",
        f"--datadir={kubelet / 'plugins'}",
        f"--cdi-dir={folder}",
    ]
    box.start(_LOG, command)


def _count(kubectl: Kubectl) -> int:
    slices = kubectl.list("resourceslices", "")
    return sum(len(s["spec"]["devices"]) for s in slices if s["spec"]["driver"] == NAME)
