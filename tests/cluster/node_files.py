"""The configuration files of the node's programs, as text. Nothing here runs anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.sandbox import NODE_ADDRESS

NODE = "parley-node"
API_SERVER = f"https://{NODE_ADDRESS}:6443"
DNS_ADDRESS = "10.96.0.10"
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.0/24"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


def containerd(state: Path, images: Path) -> str:
    """TOML. Without CAP_SYS_RESOURCE runc may not lower an OOM score: hence the restriction."""
    return f"""\
version = 2
root = "{images}"
state = "{state}/containerd"
disabled_plugins = ["io.containerd.grpc.v1.podsandbox"]

[grpc]
address = "{socket(state)}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{state}/cni"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def socket(state: Path) -> Path:
    return state / "containerd.sock"


def network() -> str:
    """CNI: a bridge, addresses from a file, and host ports. It enforces no NetworkPolicy."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    plugins = [bridge, portmap]
    return json.dumps({"cniVersion": "0.4.0", "name": "parley", "plugins": plugins})


def kubelet(state: Path) -> str:
    return _typed(
        "kubelet.config.k8s.io/v1beta1",
        "KubeletConfiguration",
        {
            "containerRuntimeEndpoint": f"unix://{socket(state)}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{NODE}",
            "failCgroupV1": False,
            "failSwapOn": False,
            # The namespaces are the fence here: nobody outside reaches this port.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "clusterDNS": [DNS_ADDRESS],
            "clusterDomain": "cluster.local",
            "resolvConf": "/dev/null",
            "podLogsDir": f"{state}/pods",
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
            # A collected image could not be pulled again.
            "imageGCHighThresholdPercent": 100,
        },
    )


def kube_proxy(kubeconfig: Path) -> str:
    return _typed(
        "kubeproxy.config.k8s.io/v1alpha1",
        "KubeProxyConfiguration",
        {
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "mode": "iptables",
            "clusterCIDR": POD_RANGE,
            # Answers come back through the node even where the bridge passes frames by itself.
            "iptables": {"masqueradeAll": True},
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
    )


def kubeconfig(authority: Path, token: str) -> str:
    return _typed(
        "v1",
        "Config",
        {
            "clusters": [
                {
                    "name": NODE,
                    "cluster": {"server": API_SERVER, "certificate-authority": str(authority)},
                }
            ],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": NODE, "context": {"cluster": NODE, "user": "admin"}}],
            "current-context": NODE,
        },
    )


def _typed(version: str, kind: str, fields: dict[str, Any]) -> str:
    """JSON is YAML, and every one of these programs reads it."""
    return json.dumps({"apiVersion": version, "kind": kind, **fields}, indent=1)
