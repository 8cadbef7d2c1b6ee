"""A one-node Kubernetes from its own programs, inside the sandbox, up to a Ready node.

It starts what `binaries` built together with this machine's etcd, containerd and runc, and knows
nothing of what runs on the cluster.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cluster import node_files
from tests.cluster.kube import Kubectl, KubectlError, condition, until
from tests.cluster.sandbox import NODE_ADDRESS, Sandbox

COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)
# Program on the PATH, and the Debian package that brings it.
SYSTEM_PROGRAMS = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "ip": "iproute2",
    "sysctl": "procps",
    "nsenter": "util-linux",
}
CNI_PLUGINS = Path("/usr/lib/cni")


class NodeError(Exception):
    """The node does not come up; the message says which part and where its log is."""


def missing_packages() -> list[str]:
    """Debian packages that the node needs and this machine lacks."""
    missing = {package for name, package in SYSTEM_PROGRAMS.items() if _find_program(name) is None}
    if not (CNI_PLUGINS / "bridge").exists():
        missing.add("containernetworking-plugins")
    return sorted(missing)


def start(box: Sandbox, programs: Mapping[str, Path], images: Path) -> Kubectl:
    """Start everything and wait for the node. images: containerd's folder, kept between nodes.

    What an earlier node ran and left there the kubelet clears away, as after a power cut. Raises
    NodeError, SandboxError.
    """
    state = box.state
    kubeconfig = _write_files(state, images)
    _start_etcd(box)
    box.start("containerd", ["containerd", "--config", str(state / "containerd.toml")])
    _start_api_server(box, programs["kube-apiserver"])
    kubectl = Kubectl(programs["kubectl"], kubeconfig)
    _wait(box, lambda: _is_up(kubectl), "kube-apiserver", 60)
    access = [f"--kubeconfig={kubeconfig}", "--leader-elect=false"]
    _start_controllers(box, programs["kube-controller-manager"], access)
    box.start("kube-scheduler", [str(programs["kube-scheduler"]), *access])
    _start_kubelet(box, programs["kubelet"], kubeconfig)
    proxy = [str(programs["kube-proxy"]), f"--config={state / 'kube-proxy.json'}"]
    box.start("kube-proxy", [*proxy, f"--hostname-override={node_files.NODE}"])
    _wait(box, lambda: _is_ready(kubectl), "kubelet", 90)
    _wait(box, lambda: _has_default_account(kubectl), "kube-controller-manager", 60)
    return kubectl


def _write_files(state: Path, images: Path) -> Path:
    """Every file that the programs read; the path of the administrator's kubeconfig."""
    pki = state / "pki"
    for folder in (pki, state / "cni", state / "pods"):
        folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(16)
    _write(pki / "tokens.csv", f"{token},admin,admin,system:masters\n")
    kubeconfig = state / "kubeconfig"
    _write(kubeconfig, node_files.kubeconfig(pki / "apiserver.crt", token))
    _write(state / "containerd.toml", node_files.containerd(state, images))
    _write(state / "cni" / "10-parley.conflist", node_files.network())
    _write(state / "kubelet.json", node_files.kubelet(state))
    _write(state / "kube-proxy.json", node_files.kube_proxy(kubeconfig))
    key = ["openssl", "genrsa", "-out", str(pki / "accounts.key"), "2048"]
    subprocess.run(key, check=True, capture_output=True, timeout=60)
    return kubeconfig


def _start_etcd(box: Sandbox) -> None:
    peers = "http://127.0.0.1:2380"
    box.start(
        "etcd",
        [
            "etcd",
            f"--data-dir={box.state / 'etcd'}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        ],
    )


def _start_api_server(box: Sandbox, program: Path) -> None:
    pki = box.state / "pki"
    box.start(
        "kube-apiserver",
        [
            str(program),
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={NODE_ADDRESS}",
            "--secure-port=6443",
            f"--cert-dir={pki}",
            f"--token-auth-file={pki / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={node_files.SERVICE_RANGE}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'accounts.key'}",
            f"--service-account-signing-key-file={pki / 'accounts.key'}",
            "--allow-privileged=true",
            # The node has a name that no name server knows.
            "--kubelet-preferred-address-types=InternalIP",
        ],
    )


def _start_controllers(box: Sandbox, program: Path, access: list[str]) -> None:
    pki = box.state / "pki"
    box.start(
        "kube-controller-manager",
        [
            str(program),
            *access,
            f"--service-account-private-key-file={pki / 'accounts.key'}",
            f"--root-ca-file={pki / 'apiserver.crt'}",
        ],
    )


def _start_kubelet(box: Sandbox, program: Path, kubeconfig: Path) -> None:
    box.start(
        "kubelet",
        [
            str(program),
            f"--config={box.state / 'kubelet.json'}",
            f"--kubeconfig={kubeconfig}",
            f"--root-dir={box.state / 'kubelet'}",
            f"--cert-dir={box.state / 'kubelet' / 'pki'}",
            f"--hostname-override={node_files.NODE}",
            f"--node-ip={NODE_ADDRESS}",
        ],
    )


def _is_up(kubectl: Kubectl) -> bool:
    try:
        return kubectl("get", "--raw", "/readyz", timeout=5) == "ok"
    except KubectlError:
        return False


def _is_ready(kubectl: Kubectl) -> bool:
    return any(condition(node, "Ready") == "True" for node in kubectl.list("nodes", ""))


def _has_default_account(kubectl: Kubectl) -> bool:
    return kubectl.exists("serviceaccount", "default", "default")


def _wait(box: Sandbox, probe: Callable[[], bool], name: str, seconds: float) -> None:
    try:
        until(probe, name, seconds)
    except TimeoutError as err:
        log = box.state / "logs" / f"{name}.log"
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise NodeError(
            f"{name} is not ready after {seconds:.0f} s; its log ends:\n{tail}"
        ) from err


def _find_program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    # The token is an administrator's.
    path.chmod(0o600)
