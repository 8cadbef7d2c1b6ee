"""A driver of dynamic resource allocation on our own node: that of Kubernetes' own tests.

It offers devices without any hardware, under the name of NVIDIA's driver, and gives each container
that claims one some environment variables.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster import node_files
from tests.cluster.harness import own_sandbox
from tests.cluster.kube import Kubectl, until
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
    pid = _start(box, program, kubectl, devices, folder)
    try:
        until_up(box, lambda: _count(kubectl) == devices, _LOG, 30)
        yield folder
    finally:
        _end(pid)
        kubectl("delete", "resourceslices", f"--field-selector=spec.driver={NAME}")


def _start(box: Sandbox, program: Path, kubectl: Kubectl, devices: int, folder: Path) -> Path:
    """The file with its process's number."""
    pid, kubelet = box.state / f"{_LOG}.pid", box.state / "kubelet"
    pid.unlink(missing_ok=True)
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
    box.start(_LOG, ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(pid), *command])
    return pid


def _end(pid: Path) -> None:
    number = int(pid.read_text())
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGTERM)
    until(lambda: not Path("/proc", str(number)).exists(), "the end of the driver", 30)


def _count(kubectl: Kubectl) -> int:
    slices = kubectl.list("resourceslices", "")
    return sum(len(s["spec"]["devices"]) for s in slices if s["spec"]["driver"] == NAME)
