"""The rights of the one who asks: each verb of the shipped Role, and what the namespace forbids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from graph.cluster.connection import Cluster
from graph.cluster.doctor.model import Finding, failure, note, ok
from graph.cluster.doctor.reading import labels_of
from graph.cluster.search import find_namespace
from graph.errors import NamespaceMissing
from graph.spec.sources import SHIPPED

ROLE = SHIPPED / "access" / "role.yaml"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_AT_ONCE = 8
_ENFORCE = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Right:
    """resource: as a Role has it, `pods/log` with its subresource."""

    group: str
    resource: str
    verb: str


def check_rights(cluster: Cluster, role: Path = ROLE) -> Iterator[Finding]:
    """Raises ClusterError."""
    served = _served(cluster)
    shipped = read_rights(yaml.safe_load(role.read_text("utf-8")))
    rights = [right for right in shipped if right.group in served]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        granted = list(pool.map(partial(has_right, cluster), rights))
    missing: dict[str, list[str]] = {}
    for right, given in zip(rights, granted, strict=True):
        if not given:
            name = f"{right.resource}.{right.group}" if right.group else right.resource
            missing.setdefault(name, []).append(right.verb)
    if not missing:
        yield ok("rights", f"all {len(rights)} of the Role in namespace {cluster.namespace}")
    for resource, verbs in missing.items():
        told = f"you may not {', '.join(verbs)} {resource} in namespace {cluster.namespace}"
        yield failure("rights", told, "have an administrator apply manifests/access")


def check_pod_security(cluster: Cluster) -> Iterator[Finding]:
    """KServe's routers have no seccomp profile, so pod security `restricted` refuses them."""
    try:
        found = find_namespace(cluster)
    except NamespaceMissing as err:
        yield failure("namespace", err.message, "or name another one with -n")
        return
    if found is None:
        told = f"you may not get namespace {cluster.namespace}"
        yield note("namespace", told, "an administrator sees what pod security it enforces")
        return
    level = labels_of(found).get(_ENFORCE, "")
    if level == "restricted":
        yield failure(
            "namespace",
            f"{cluster.namespace} enforces pod security restricted, which refuses KServe's routers",
            "enforce baseline; manifests/namespace has a policy that holds all other pods to it",
        )
    else:
        told = f"enforces pod security {level}" if level else "enforces no pod security"
        yield ok("namespace", f"{cluster.namespace} {told}")


def read_rights(role: Mapping[str, Any]) -> Iterator[Right]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Right(group, resource, verb)


def has_right(cluster: Cluster, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "namespace": cluster.namespace,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "verb": right.verb,
    }
    with cluster.speaking("rights"):
        review = cluster.dynamic.request(
            "post", _REVIEWS, body={"spec": {"resourceAttributes": attributes}}
        )
    return bool(review.status.allowed)


def _served(cluster: Cluster) -> set[str]:
    """The groups of kinds that the cluster has; nobody needs a right to what is not there."""
    with cluster.speaking():
        groups = cluster.dynamic.request("get", "/apis").groups
    return {"", *(group.name for group in groups)}
