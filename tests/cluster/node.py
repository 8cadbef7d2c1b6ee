"""One node of the harness's own cluster, in a sandbox of its own, up to Ready.

It starts what `binaries` built, by the links in the state's `bin`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cluster import node_files
from tests.cluster.kube import Kubectl, condition, until
from tests.cluster.node_files import Machine
from tests.cluster.sandbox import Sandbox, SandboxError

# Program on the PATH, and the Debian package that brings it.
SYSTEM_PROGRAMS = {
    "gcc": "gcc",
    "pkg-config": "pkg-config",
    "buildah": "buildah",
    "iptables": "iptables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "ip": "iproute2",
    "sysctl": "procps",
    "nsenter": "util-linux",
}


FILES = {
    node_files.CNI_PLUGINS / "ptp": "containernetworking-plugins",
    Path("/usr/include/seccomp.h"): "libseccomp-dev",
}


class NodeError(Exception):
    """The node does not come up; the message says which part and where its log is."""


def missing_packages() -> list[str]:
    """Debian packages that the node needs and this machine lacks."""
    missing = {package for name, package in SYSTEM_PROGRAMS.items() if _find_program(name) is None}
    missing |= {package for path, package in FILES.items() if not path.exists()}
    return sorted(missing)


def start(box: Sandbox, machine: Machine, kubectl: Kubectl, images: Path) -> None:
    """Start everything and wait for the node. images: containerd's folder, kept between nodes.

    What an earlier node ran and left there the kubelet clears away, as after a power cut. Raises
    NodeError, SandboxError.
    """
    state, kubeconfig = box.state, kubectl.kubeconfig
    _write_files(state, machine, kubeconfig, images, box.group)
    start_program(box, "containerd", f"--config={state / 'containerd.toml'}")
    # The kubelet ends where the runtime does not answer yet.
    until_up(box, lambda: _runs_containers(box), "containerd", 60)
    _start_kubelet(box, machine, kubeconfig)
    settings = f"--config={state / 'kube-proxy.json'}"
    start_program(box, "kube-proxy", settings, f"--hostname-override={machine.name}")
    until_up(box, lambda: _is_ready(kubectl, machine.name), "kubelet", 90)
    # It ends where the node is not known yet.
    _start_network_policies(box, machine, kubeconfig)


def start_program(box: Sandbox, name: str, *options: str) -> None:
    box.start(name, [str(box.state / "bin" / name), *options])


def link(programs: Mapping[str, Path], folder: Path) -> None:
    """Each program under its plain name, by which others look for it."""
    folder.mkdir()
    for name, path in programs.items():
        (folder / name).symlink_to(path)


def write(path: Path, text: str) -> None:
    path.write_text(text)
    # The token is an administrator's.
    path.chmod(0o600)


def until_up(box: Sandbox, probe: Callable[[], bool], name: str, seconds: float) -> None:
    """Wait for a program. Raises NodeError with the end of its log."""
    try:
        until(probe, name, seconds)
    except TimeoutError as err:
        log = box.state / "logs" / f"{name}.log"
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise NodeError(
            f"{name} is not ready after {seconds:.0f} s; its log ends:\n{tail}"
        ) from err


def _write_files(state: Path, machine: Machine, kubeconfig: Path, images: Path, group: str) -> None:
    """Every file that the node's programs read."""
    for folder in (state / "cni", state / "pods"):
        folder.mkdir(parents=True, exist_ok=True)
    write(state / "containerd.toml", node_files.containerd(state, images))
    write(state / "cni" / "10-parley.conflist", node_files.network(machine))
    write(state / "kubelet.json", node_files.kubelet(state, group))
    write(state / "kube-proxy.json", node_files.kube_proxy(kubeconfig))


def _start_kubelet(box: Sandbox, machine: Machine, kubeconfig: Path) -> None:
    start_program(
        box,
        "kubelet",
        f"--config={box.state / 'kubelet.json'}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={box.state / 'kubelet'}",
        f"--cert-dir={box.state / 'kubelet' / 'pki'}",
        f"--hostname-override={machine.name}",
        f"--node-ip={machine.address}",
    )


def _start_network_policies(box: Sandbox, machine: Machine, kubeconfig: Path) -> None:
    """kube-router, which turns NetworkPolicies into rules of iptables and does nothing else."""
    start_program(
        box,
        "kube-router",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={machine.name}",
        f"--service-cluster-ip-range={node_files.SERVICE_RANGE}",
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        "--run-loadbalancer=false",
        "--enable-cni=false",
        "--health-port=0",
    )


def _runs_containers(box: Sandbox) -> bool:
    socket = str(node_files.socket(box.state))
    try:
        return bool(box.run([str(box.state / "bin" / "ctr"), "--address", socket, "version"], 10))
    except SandboxError:
        return False


def _is_ready(kubectl: Kubectl, name: str) -> bool:
    nodes = kubectl.list("nodes", "")
    return any(node["metadata"]["name"] == name and _says_ready(node) for node in nodes)


def _says_ready(node: dict[str, object]) -> bool:
    return condition(node, "Ready") == "True"


def _find_program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
