"""Objects of a cluster, as the checks read them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from graph.cluster.connection import Cluster
from graph.cluster.reasons.model import Object
from graph.errors import NotFound


def read_list(
    cluster: Cluster, api_version: str, kind: str, namespace: str = "", labels: str = ""
) -> list[Object] | None:
    """The objects of a kind, with "" those of all namespaces; None where it is not served.

    Raises ClusterError, Forbidden among them.
    """
    try:
        resource = cluster.resource(api_version, kind)
    except NotFound:
        return None
    with cluster.speaking(kind):
        answer = resource.get(
            namespace=namespace or None, label_selector=labels or None, serialize=False
        )
    items: list[Object] = json.loads(answer.data)["items"]
    return items


def read_fields(cluster: Cluster, api_version: str, kind: str) -> Object | None:
    """The schema of a kind from the OpenAPI documents, which whoever may log in may read.

    None where the kind is not served. Raises ClusterError.
    """
    try:
        with cluster.speaking(kind):
            answer = cluster.dynamic.request(
                "get", f"/openapi/v3/apis/{api_version}", serialize=False
            )
    except NotFound:
        return None
    schemas = json.loads(answer.data)["components"]["schemas"]
    return next((schemas[name] for name in schemas if name.endswith(f".{kind}")), None)


def has_field(schema: Object, path: str) -> bool:
    """path: as `spec.nodes.*.steps.*.condition`, where * is any item of a list or a map."""
    found: Object | None = schema
    for key in path.split("."):
        if found is None:
            return False
        if key == "*":
            found = found.get("items") or found.get("additionalProperties")
        else:
            found = (found.get("properties") or {}).get(key)
        if found and "allOf" in found:
            found = found["allOf"][0]
    return found is not None


def labels_of(found: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels
