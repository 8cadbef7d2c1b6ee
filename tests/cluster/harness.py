"""The test cluster: `python -m tests.cluster.harness up | down`.

With KUBECONFIG set it is that cluster, which has KServe and a gateway already, and the project's
images on its nodes or in a registry (IMAGE_PREFIX). Without, as root on Linux, it is a one-node
Kubernetes built from source, started in namespaces of its own and removed without a trace.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from predictors.images import catalogue as images
from predictors.images.builder import ImageError
from tests.cluster import (
    addons,
    control_groups,
    control_plane,
    disk,
    foreign,
    image_store,
    node,
    node_files,
    sandbox,
    system_images,
)
from tests.cluster.kube import Kubectl, KubectlError, until
from tests.cluster.sandbox import Sandbox
from tests.cluster.system_images import ProgramImage
from tests.tools import binaries, programs

STATE = Path("/var/lib/parley-node")
HOST_NAME = "multilingual-chat.parley.example.com"
GATEWAY = ("kserve-ingress-gateway", "kserve")


class ClusterError(Exception):
    """There is no cluster to test on; the message says what is missing."""


@dataclass(frozen=True)
class Cluster:
    """gateway: URL of the ingress gateway.  own: whether the harness made the cluster."""

    kubectl: Kubectl
    gateway: str
    own: bool


@contextmanager
def running(environ: Mapping[str, str]) -> Iterator[Cluster]:
    """The cluster for a test run. One that is up already is used and left up."""
    existing = find(environ)
    if existing:
        yield existing
        return
    try:
        yield up(environ)
    finally:
        if not environ.get("PARLEY_KEEP_CLUSTER"):
            down(environ)


def find(environ: Mapping[str, str]) -> Cluster | None:
    """The cluster of KUBECONFIG, or our own where it is up."""
    given = environ.get("KUBECONFIG")
    if given and Path(given) != STATE / "kubeconfig":
        kubectl = foreign.find_kubectl(environ)
        return Cluster(kubectl, environ.get("PARLEY_GATEWAY") or gateway_url(kubectl), own=False)
    if sandbox.find(STATE) is None:
        return None
    kubectl = Kubectl(binaries.build(["kubectl"], environ)["kubectl"], STATE / "kubeconfig")
    return Cluster(kubectl, gateway_url(kubectl), own=True)


def up(environ: Mapping[str, str]) -> Cluster:
    """Build what is missing and start a node with everything on it but the project itself."""
    _check_machine()
    disk.make_room(environ)
    with _timed("programs"):
        # The pods hold no compiler; all programs come first, so that a failure leaves no node.
        built = binaries.build(programs.programs(environ), environ)
    with _timed("images of the cluster"):
        system_images.make(built, environ)
    try:
        with _timed("node"):
            box = sandbox.create(STATE)
            node.link(built, box.state / "bin")
            kubectl = control_plane.start(box, built["kubectl"])
            node.start(box, node_files.FIRST, kubectl, image_store.store(box, environ).root)
        _load(_SYSTEM_NAMES, box, "images", environ)
        with _timed("DNS, gateway and KServe"):
            addons.install(kubectl, addons.charts(built["helm"], environ))
    except BaseException:
        _keep_logs(environ)
        down(environ)
        raise
    return Cluster(kubectl, gateway_url(kubectl), own=True)


@contextmanager
def second_node(cluster: Cluster, environ: Mapping[str, str]) -> Iterator[Sandbox]:
    """A second node beside our own, with the images of the embedded overlay, while it is needed."""
    first, machine = own_sandbox(), node_files.SECOND
    built = binaries.build(programs.programs(environ), environ)
    box = sandbox.join(first, "second", machine.address)
    try:
        with _timed("second node"):
            first.run(["ip", "route", "add", machine.pods, "via", machine.address])
            node.link(built, box.state / "bin")
            node.start(box, machine, cluster.kubectl, image_store.store(box, environ).root)
        _load(_SYSTEM_NAMES | _names(images.EMBEDDED), box, "images on the second node", environ)
        yield box
    finally:
        cluster.kubectl("delete", "node", machine.name, "--ignore-not-found")
        sandbox.leave(box)


def down(environ: Mapping[str, str]) -> None:
    """Remove our own nodes and every trace of them but the cache; fine when there is none.

    Raises ClusterError where something is left.
    """
    sandbox.destroy(STATE)
    system_images.release(environ)
    left = sandbox.remains(STATE)
    if left:
        raise ClusterError(f"left after the node: {', '.join(left)}")


def own_sandbox() -> Sandbox:
    """That of our own first node. Raises ClusterError."""
    box = sandbox.find(STATE)
    if box is None:
        raise ClusterError("no node of the harness's own is up: run `make cluster-up`")
    return box


def load_project(chosen: Sequence[images.Image], environ: Mapping[str, str]) -> None:
    """Build the project's images and load into our own node those that changed."""
    for image in chosen:
        system_images.build_project(image, environ)
    _load(_names(chosen), own_sandbox(), "images of the project", environ)


def load_parts(chosen: Sequence[ProgramImage], environ: Mapping[str, str]) -> None:
    """Build what only some tests put on the cluster, and load it into our own node."""
    built = binaries.build([image.program for image in chosen], environ)
    for image in chosen:
        system_images.make_one(image, built, environ)
    names = {image.name: image.name for image in chosen}
    _load(names, own_sandbox(), "images of a part of the cluster", environ)


_SYSTEM_NAMES = {name: name for name in system_images.NAMES}


def _names(chosen: Sequence[images.Image]) -> dict[str, str]:
    """Full names on a node, by the builder's."""
    return {f"localhost/{image.name}": f"docker.io/library/{image.name}" for image in chosen}


def _load(names: Mapping[str, str], box: Sandbox, what: str, environ: Mapping[str, str]) -> None:
    with _timed(f"loading {what}"):
        builder = system_images.builder(environ)
        image_store.load(names, image_store.store(box, environ), builder)


def gateway_url(kubectl: Kubectl) -> str:
    """Where the gateway listens: its address, and the node port where its Service has one."""
    name, namespace = GATEWAY
    gateway = until(lambda: _addressed(kubectl), f"an address of gateway {name}", 60)
    owner = f"gateway.envoyproxy.io/owning-gateway-name={name}"
    services = kubectl.list(
        "service", "", f"{owner},gateway.envoyproxy.io/owning-gateway-namespace={namespace}"
    )
    ports = [port.get("nodePort", 80) for s in services for port in s["spec"]["ports"]]
    by_node = any(service["spec"]["type"] == "NodePort" for service in services)
    return f"http://{gateway}:{ports[0] if by_node else 80}"


def _addressed(kubectl: Kubectl) -> str | None:
    addresses = kubectl.get("gateway", *GATEWAY).get("status", {}).get("addresses", [])
    return str(addresses[0]["value"]) if addresses else None


def _check_machine() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise ClusterError(
            "a cluster of our own needs root on Linux; set KUBECONFIG to use one that is there"
        )
    missing = node.missing_packages()
    if missing:
        raise ClusterError(f"missing programs; run: apt-get install {' '.join(missing)}")
    if shutil.which("go") is None:
        raise ClusterError("missing `go`, 1.26.7 or later, to build Kubernetes and KServe")


def _keep_logs(environ: Mapping[str, str]) -> None:
    """The logs outlive the node that failed."""
    kept = binaries.cache_folder(environ) / "logs"
    shutil.rmtree(kept, ignore_errors=True)
    if (STATE / "logs").exists():
        shutil.copytree(STATE / "logs", kept)
        print(f"logs of the failed node: {kept}", file=sys.stderr)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """`up` with the project's embedded images loaded, `down`, or the Debian `packages` missing."""
    parser = argparse.ArgumentParser(prog="tests.cluster.harness", description=__doc__)
    parser.add_argument("verb", choices=["up", "down", "packages"])
    verb = parser.parse_args(argv).verb
    if verb == "packages":
        print(*([] if environ.get("KUBECONFIG") else node.missing_packages()))
        return 0
    try:
        if verb == "down":
            down(environ)
            return 0
        cluster = find({key: environ[key] for key in environ if key != "KUBECONFIG"}) or up(environ)
        load_project(images.EMBEDDED, environ)
    except FAILURES as err:
        print(err, file=sys.stderr)
        return 1
    print(*_versions(cluster, environ), sep="\n", file=sys.stderr)
    print(*_settings(cluster), sep="\n")
    return 0


def _versions(cluster: Cluster, environ: Mapping[str, str]) -> list[str]:
    """What runs, a line for each program; Kubernetes and the runtime as the node tells them."""
    [node] = cluster.kubectl.list("nodes", "")
    told = node["status"]["nodeInfo"]
    lines = [f"node: {told['kubeletVersion']}, {told['containerRuntimeVersion']}"]
    known = programs.programs(environ).values()
    lines += [f"{program.name} {program.version}" for program in known]
    return [*lines, f"envoy v{system_images.ENVOY_VERSION}", f"kernel {told['kernelVersion']}"]


def _settings(cluster: Cluster) -> list[str]:
    """Lines for a person's shell, after which the README's commands work as they stand."""
    folder = STATE / "bin"
    return [
        f"export KUBECONFIG={cluster.kubectl.kubeconfig}",
        f'export PATH="{folder}:$PATH"',
        f"export GATEWAY={cluster.gateway.removeprefix('http://')}",
    ]


FAILURES = (
    ClusterError,
    KubectlError,
    TimeoutError,
    addons.ChartError,
    binaries.BuildError,
    disk.NoRoom,
    image_store.StoreError,
    ImageError,
    node.NodeError,
    programs.UnknownVersion,
    control_groups.BusyGroup,
    sandbox.SandboxError,
    yaml.YAMLError,
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
