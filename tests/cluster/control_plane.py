"""The control plane of the harness's own cluster: etcd, the API server, controllers, scheduler.

It runs in the sandbox of the first node. Of what runs on the cluster it knows nothing.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import node_files
from tests.cluster.kube import Kubectl, KubectlError
from tests.cluster.node import start_program, until_up, write
from tests.cluster.sandbox import NODE_ADDRESS, Sandbox


def start(box: Sandbox, program: Path) -> Kubectl:
    """Start everything and wait until it works. program: kubectl. Raises NodeError."""
    kubeconfig = _write_files(box.state)
    _start_etcd(box)
    _start_api_server(box)
    kubectl = Kubectl(program, kubeconfig)
    until_up(box, lambda: _answers(kubectl), "kube-apiserver", 60)
    access = (f"--kubeconfig={kubeconfig}", "--leader-elect=false")
    _start_controllers(box, access)
    start_program(box, "kube-scheduler", *access)
    until_up(box, lambda: _has_default_account(kubectl), "kube-controller-manager", 60)
    return kubectl


def _write_files(state: Path) -> Path:
    """Keys and tokens; the path of the administrator's kubeconfig."""
    pki = state / "pki"
    pki.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(16)
    write(pki / "tokens.csv", f"{token},admin,admin,system:masters\n")
    write(state / "kubeconfig", node_files.kubeconfig(pki / "apiserver.crt", token))
    key = ["openssl", "genrsa", "-out", str(pki / "accounts.key"), "2048"]
    subprocess.run(key, check=True, capture_output=True, timeout=60)
    _make_proxy_certificate(pki)
    return state / "kubeconfig"


def _make_proxy_certificate(pki: Path) -> None:
    """By which servers of other APIs, such as metrics-server, know the API server as a client.

    It is its own authority.
    """
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    files = ["-keyout", str(pki / "proxy.key"), "-out", str(pki / "proxy.crt")]
    command = [*request, *files, "-subj", "/CN=proxy"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _start_etcd(box: Sandbox) -> None:
    peers = "http://127.0.0.1:2380"
    start_program(
        box,
        "etcd",
        f"--data-dir={box.state / 'etcd'}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    )


def _start_api_server(box: Sandbox) -> None:
    pki = box.state / "pki"
    start_program(
        box,
        "kube-apiserver",
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
        # Kubernetes waits 300 s before it replaces the pods of a node that has gone.
        "--default-not-ready-toleration-seconds=15",
        "--default-unreachable-toleration-seconds=15",
        *_aggregation(pki),
        # The nodes have names that no name server knows.
        "--kubelet-preferred-address-types=InternalIP",
    )


def _aggregation(pki: Path) -> list[str]:
    """How the API server asks the servers of other APIs, and says for whom."""
    return [
        f"--proxy-client-cert-file={pki / 'proxy.crt'}",
        f"--proxy-client-key-file={pki / 'proxy.key'}",
        f"--requestheader-client-ca-file={pki / 'proxy.crt'}",
        "--requestheader-allowed-names=proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ]


def _start_controllers(box: Sandbox, access: Sequence[str]) -> None:
    pki = box.state / "pki"
    start_program(
        box,
        "kube-controller-manager",
        *access,
        f"--service-account-private-key-file={pki / 'accounts.key'}",
        f"--root-ca-file={pki / 'apiserver.crt'}",
        # Autoscalers decide in seconds where they would take minutes.
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-downscale-stabilization=15s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
    )


def _answers(kubectl: Kubectl) -> bool:
    try:
        return kubectl("get", "--raw", "/readyz", timeout=5) == "ok"
    except KubectlError:
        return False


def _has_default_account(kubectl: Kubectl) -> bool:
    return kubectl.exists("serviceaccount", "default", "default")
