"""The objects of a namespace that say how its applications are, read once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from kubernetes.dynamic import Resource

from graph.cluster.connection import Cluster
from graph.cluster.reasons.model import Object
from graph.errors import NotFound


@dataclass(frozen=True)
class Kind:
    """optional: a cluster may do without it."""

    api_version: str
    name: str
    optional: bool = False


SERVICE = Kind("serving.kserve.io/v1beta1", "InferenceService")
GRAPH = Kind("serving.kserve.io/v1alpha1", "InferenceGraph", optional=True)
DEPLOYMENT = Kind("apps/v1", "Deployment")
JOB = Kind("batch/v1", "Job")
POD = Kind("v1", "Pod")
CLAIM = Kind("v1", "PersistentVolumeClaim")
EVENT = Kind("v1", "Event")
ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", optional=True)
INGRESS = Kind("networking.k8s.io/v1", "Ingress")
KINDS = (SERVICE, GRAPH, DEPLOYMENT, JOB, POD, CLAIM, EVENT, ROUTE, INGRESS)


@dataclass(frozen=True)
class Snapshot:
    """Objects as the API server gives them, by kind, in the order of their names.

    taken: when they were read.
    """

    namespace: str
    objects: Mapping[Kind, tuple[Object, ...]]
    taken: datetime

    def of(self, kind: Kind) -> tuple[Object, ...]:
        return self.objects.get(kind, ())


def read_snapshot(cluster: Cluster) -> Snapshot:
    """The namespace of `cluster` now. Raises ClusterError, of which NotFound without KServe."""
    objects = {}
    for kind, resource in find_resources(cluster).items():
        with cluster.speaking(kind.name):
            listed = resource.get(namespace=cluster.namespace, serialize=False)
        objects[kind] = in_order(json.loads(listed.data)["items"])
    return Snapshot(cluster.namespace, objects, datetime.now(UTC))


def find_resources(cluster: Cluster) -> dict[Kind, Resource]:
    """Where the cluster serves each kind, as far as it does."""
    found = {}
    for kind in KINDS:
        try:
            found[kind] = cluster.resource(kind.api_version, kind.name)
        except NotFound:
            if not kind.optional:
                raise
    return found


def in_order(objects: Iterable[Object]) -> tuple[Object, ...]:
    return tuple(sorted(objects, key=lambda each: str(each["metadata"]["name"])))
