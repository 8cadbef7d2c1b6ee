"""Kubernetes itself, its nodes, and the storage classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kubernetes.client import VersionApi

from graph.cluster.connection import Cluster
from graph.cluster.doctor.model import Finding, failure, note, ok
from graph.cluster.doctor.reading import read_list
from graph.cluster.parts.services import condition_of
from graph.cluster.reasons.model import Object

# `preStop: sleep` of the manifests, by default since.
_OLDEST = (1, 30)
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# Provisioners, or parts of their names, whose volumes pods of several nodes can write.
_SHARED = (
    *("nfs", "efs", "fsx", "cephfs", "azurefile", "file.csi", "filestore", "glusterfs"),
    *("longhorn", "juicefs", "weka", "lustre", "beegfs", "trident"),
)


def check_version(cluster: Cluster) -> Iterator[Finding]:
    with cluster.speaking("version"):
        found = VersionApi(cluster.api).get_code()
    numbers = tuple(int(re.sub(r"\D", "", part)) for part in (found.major, found.minor))
    if numbers < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        fix = f"the manifests need {oldest}, or no `preStop: sleep`"
        yield failure("Kubernetes", found.git_version, fix)
    else:
        yield ok("Kubernetes", found.git_version)


def check_nodes(cluster: Cluster) -> Iterator[Finding]:
    """How many are ready."""
    nodes = read_list(cluster, "v1", "Node") or []
    unready = [
        node["metadata"]["name"]
        for node in nodes
        if condition_of(node, "Ready").get("status") != "True"
    ]
    if unready or not nodes:
        fix = "`kubectl describe node` says why"
        yield failure("nodes", f"not ready: {', '.join(unready) or 'there is none'}", fix)
    else:
        yield ok("nodes", f"{len(nodes)} ready")


def check_storage(cluster: Cluster) -> Iterator[Finding]:
    """Storage classes: a default, and one whose volumes several nodes can mount."""
    classes = read_list(cluster, "storage.k8s.io/v1", "StorageClass") or []
    nodes = read_list(cluster, "v1", "Node") or []
    yield judge_classes(classes, several=len(nodes) > 1)


def judge_classes(classes: Sequence[Object], several: bool) -> Finding:
    """several: whether there is more than one node."""
    if not classes:
        return note(
            "storage",
            "no storage class",
            "the models of manifests/base need a volume: install a provisioner, or make a "
            "PersistentVolume by hand; overlays/embedded needs none",
        )
    told = ", ".join(_describe_class(each) for each in classes)
    shared = [each for each in classes if any(s in each["provisioner"] for s in _SHARED)]
    if several and not shared:
        return note(
            "storage",
            f"{told}; none is known to give ReadWriteMany",
            "with several nodes the model cache needs ReadWriteMany, or pods on one node",
        )
    if not any(map(_is_default, classes)):
        return note("storage", f"{told}; none is the default", "name one in the claim, or mark one")
    return ok("storage", told)


def _describe_class(found: Object) -> str:
    default = " (default)" if _is_default(found) else ""
    return f"{found['metadata']['name']}{default} by {found['provisioner']}"


def _is_default(found: Object) -> bool:
    annotations = found["metadata"].get("annotations") or {}
    return bool(annotations.get(_DEFAULT_CLASS) == "true")
