"""The programs of the test cluster: which, in which version, and where their source lies.

`KUBERNETES` in the environment chooses the minor version of Kubernetes, by default the newest here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# By minor version: the newest, and the oldest that Kubernetes still supports.
KUBERNETES = {"1.37": "v1.37.2", "1.35": "v1.35.4"}
DEFAULT_MINOR = "1.37"
KSERVE = "v0.20.0"
# KServe 0.20 pins 1.8; it works with this one too.
ENVOY_GATEWAY = "v1.9.1"
METRICS_SERVER = "v0.9.0"
KEDA = "v2.21.0"
# The newest that the module proxy has; from 0.14 on an InterceptorRoute says what an
# HTTPScaledObject says here.
KEDA_HTTP = "v0.12.0"
_CONTAINERD = "v2.4.2"
_KUBE_ROUTER = "github.com/cloudnativelabs/kube-router/v2"
_DISTRIBUTION = "github.com/distribution/distribution/v3"
_VERSION = "k8s.io/component-base/version"


class UnknownVersion(Exception):
    """`KUBERNETES` names a minor version that no module here pins; the message lists those."""


@dataclass(frozen=True)
class Program:
    """A main package.

    module: folder under tools/ whose go.mod pins it, empty for `go install`.  cgo: it needs a C
    compiler.  tags: build tags.
    """

    name: str
    version: str
    package: str
    module: str = ""
    ldflags: str = "-s -w"
    cgo: bool = False
    tags: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}"


def kubernetes_version(environ: Mapping[str, str]) -> str:
    """Such as v1.37.2. Raises UnknownVersion."""
    minor = environ.get("KUBERNETES") or DEFAULT_MINOR
    if minor not in KUBERNETES:
        raise UnknownVersion(f"KUBERNETES={minor}: it may be {' or '.join(KUBERNETES)}")
    return KUBERNETES[minor]


def programs(environ: Mapping[str, str]) -> dict[str, Program]:
    """Every program that a cluster starts with, by its name. Raises UnknownVersion."""
    version = kubernetes_version(environ)
    return {
        program.name: program
        for program in (
            *(_kubernetes(name, version) for name in _KUBERNETES_PROGRAMS),
            Program("etcd", "v3.7.3", "go.etcd.io/etcd/server/v3", module="etcd"),
            *map(_containerd, ("containerd", "containerd-shim-runc-v2", "ctr")),
            # Go alone cannot enter namespaces before its threads start: runc does it in C.
            Program("runc", "v1.5.3", "github.com/opencontainers/runc", cgo=True, tags="seccomp"),
            Program("pause", "v1", ".", module="pause"),
            Program(
                "kube-router", "v2.10.0", f"{_KUBE_ROUTER}/cmd/kube-router", module="kube-router"
            ),
            Program("coredns", "v1.15.0", "github.com/coredns/coredns"),
            _kserve("router"),
            _kserve("manager"),
            Program(
                "envoy-gateway", ENVOY_GATEWAY, "github.com/envoyproxy/gateway/cmd/envoy-gateway"
            ),
            Program("helm", "v3.22.0", "helm.sh/helm/v3/cmd/helm"),
            Program("helm4", "v4.3.1", "helm.sh/helm/v4/cmd/helm"),
            Program("kubeconform", "v0.7.0", "github.com/yannh/kubeconform/cmd/kubeconform"),
        )
    }


def optional_programs(environ: Mapping[str, str]) -> dict[str, Program]:
    """What only some tests put on a cluster, by its name: built when they ask for it."""
    version = kubernetes_version(environ)
    return {
        program.name: program
        for program in (
            _kubernetes("dra-test-driver", version, "test/e2e/dra/test-driver"),
            Program("registry", "v3.1.2", f"{_DISTRIBUTION}/cmd/registry"),
            Program(
                "metrics-server",
                METRICS_SERVER,
                "sigs.k8s.io/metrics-server/cmd/metrics-server",
            ),
            Program("keda", KEDA, "github.com/kedacore/keda/v2/cmd/operator", module="keda"),
            *map(_keda_http, ("interceptor", "scaler")),
        )
    }


_KUBERNETES_PROGRAMS = (
    "kubectl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)


def _kubernetes(name: str, version: str, package: str = "") -> Program:
    major, minor, _ = version.removeprefix("v").split(".")
    # Without them the server says v0.0.0, and clients and feature gates go by what it says.
    stamps = f"-X {_VERSION}.gitVersion={version} -X {_VERSION}.gitMajor={major}"
    return Program(
        name,
        version,
        f"k8s.io/kubernetes/{package or f'cmd/{name}'}",
        module=f"kubernetes-{major}.{minor}",
        ldflags=f"-s -w {stamps} -X {_VERSION}.gitMinor={minor}",
    )


def _containerd(name: str) -> Program:
    return Program(name, _CONTAINERD, f"github.com/containerd/containerd/v2/cmd/{name}")


def _kserve(name: str) -> Program:
    package = f"github.com/kserve/kserve/cmd/{name}"
    return Program(f"kserve-{name}", KSERVE, package, module="kserve")


def _keda_http(name: str) -> Program:
    package = f"github.com/kedacore/http-add-on/{name}"
    return Program(f"keda-{name}", KEDA_HTTP, package, module="keda-http")
