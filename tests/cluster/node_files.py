"""The configuration files of the node's programs, as text. Nothing here runs anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.sandbox import NODE_ADDRESS

API_SERVER = f"https://{NODE_ADDRESS}:6443"
DNS_ADDRESS = "10.96.0.10"
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.0/16"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
CNI_PLUGINS = Path("/usr/lib/cni")
CLUSTER = "parley-node"


@dataclass(frozen=True)
class Machine:
    """name, address: the node's.  pods: the range of its pods' addresses."""

    name: str
    address: str
    pods: str


FIRST = Machine("parley-node", NODE_ADDRESS, "10.244.0.0/24")
SECOND = Machine("parley-node-2", "10.199.1.2", "10.244.1.0/24")


def containerd(state: Path, images: Path) -> str:
    """TOML. Without CAP_SYS_RESOURCE runc may not lower an OOM score: hence the restriction.

    The plugins that are disabled would make folders outside of `state`.
    """
    images_of_pods = "plugins.'io.containerd.cri.v1.images'"
    pods = "plugins.'io.containerd.cri.v1.runtime'"
    return f"""\
version = 3
root = "{images}"
state = "{state}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]

[grpc]
address = "{socket(state)}"

# A folder for each registry that has a certificate of its own.
[{images_of_pods}.registry]
config_path = "{state}/certs.d"

[{images_of_pods}.pinned_images]
sandbox = "{PAUSE_IMAGE}"

[{pods}]
restrict_oom_score_adj = true
cdi_spec_dirs = ["{cdi(state)}"]

[{pods}.cni]
bin_dirs = ["{CNI_PLUGINS}"]
conf_dir = "{state}/cni"

[{pods}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
runtime_path = "{state}/bin/containerd-shim-runc-v2"

[{pods}.containerd.runtimes.runc.options]
BinaryName = "{state}/bin/runc"
SystemdCgroup = false
"""


def socket(state: Path) -> Path:
    return state / "containerd.sock"


def cdi(state: Path) -> Path:
    """Where a driver writes what a container with one of its devices gets (CDI)."""
    return state / "cdi"


def network(machine: Machine) -> str:
    """CNI: a wire for each pod, addresses from a file, and host ports.

    Every packet between two pods passes the node's own rules, so that those of a NetworkPolicy hold
    on one node as between two.
    """
    wire = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": machine.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "parley", "plugins": [wire, portmap]})


def kubelet(state: Path, group: str) -> str:
    """group: path of the control group that the pods' own lie in."""
    return _typed(
        "kubelet.config.k8s.io/v1beta1",
        "KubeletConfiguration",
        {
            "containerRuntimeEndpoint": f"unix://{socket(state)}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{group}",
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
            # Else an image that was loaded here and then pulled from a private registry, too, is
            # kept from every pod without that registry's Secret, under each of its names.
            "imagePullCredentialsVerificationPolicy": "NeverVerify",
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
                    "name": CLUSTER,
                    "cluster": {"server": API_SERVER, "certificate-authority": str(authority)},
                }
            ],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": CLUSTER, "context": {"cluster": CLUSTER, "user": "admin"}}],
            "current-context": CLUSTER,
        },
    )


def _typed(version: str, kind: str, fields: dict[str, Any]) -> str:
    """JSON is YAML, and every one of these programs reads it."""
    return json.dumps({"apiVersion": version, "kind": kind, **fields}, indent=1)
