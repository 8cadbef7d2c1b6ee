"""InferenceGraph objects of `serving.kserve.io/v1alpha1` as frozen dataclasses.

`load_objects` reads a text of several YAML documents: InferenceGraphs, InferenceServices (see
`services`) and, by name only, every other kind. An object that the API server's schema or
KServe's webhook refuses is refused here, for the same reason and in the same words. What they
accept is accepted, however unwise it is: `graph.lint` reports that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graph.spec.admission import check_admission
from graph.spec.documents import (
    Place,
    choice,
    flag,
    items,
    mapping,
    number,
    read_documents,
    suggest,
    text,
    text_mapping,
)
from graph.spec.model import Dependency, Graph, Node, Objects, RouterType, Step, Timeouts
from graph.spec.services import InferenceService, read_service

API_GROUP = "serving.kserve.io"

_METADATA_FIELDS = (
    "name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences",
    "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "managedFields", "selfLink",
)  # fmt: skip
_OBJECT_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
_SPEC_FIELDS = (
    "nodes", "resources", "affinity", "timeout", "routerTimeouts", "minReplicas", "maxReplicas",
    "scaleTarget", "scaleMetric", "tolerations", "nodeSelector", "nodeName", "serviceAccountName",
)  # fmt: skip
_TIMEOUT_FIELDS = ("serverRead", "serverWrite", "serverIdle", "serviceClient")
_STEP_FIELDS = (
    "name", "nodeName", "serviceName", "serviceUrl", "data", "mapPredictionsToInstances", "weight",
    "condition", "dependency",
)  # fmt: skip


def load_objects(yaml_text: str, source: str, admit: bool = True) -> Objects:
    """The objects of a YAML text; `source` is the name that errors call it by.

    Raises SpecError, which names file, object, field and fix. With `admit` false it does not raise
    for what KServe's webhook refuses; lint reports that with everything else.
    """
    return read_objects(read_documents(yaml_text, source), source, admit)


def read_objects(
    documents: Iterable[tuple[Place, dict[str, Any]]], source: str, admit: bool = True
) -> Objects:
    """The same of objects that are no text any more, such as those of an API server."""
    graphs: list[Graph] = []
    services: list[InferenceService] = []
    others: list[str] = []
    seen: set[tuple[str, str, str]] = set()
    for place, document in documents:
        kind = document["kind"]
        metadata = mapping(document.get("metadata", {}), place.at("metadata"))
        name = text(metadata, "name", place.at("metadata"))
        place = Place(source, f"{kind}/{name}" if name else f"{kind} in {place.object}")
        key = (kind, text(metadata, "namespace", place.at("metadata")), name)
        if key in seen and name:
            raise place.error("is defined twice in this file; rename or remove one")
        seen.add(key)
        if kind == "InferenceGraph":
            graphs.append(_read_graph(document, place))
            if admit:
                check_admission(graphs[-1], place)
        elif kind == "InferenceService":
            _check_object(document, place, "v1beta1")
            services.append(read_service(document, place))
        else:
            _check_other(document, place)
            others.append(f"{kind}/{name}")
    return Objects(tuple(graphs), tuple(services), tuple(others))


def choose_graph(objects: Objects, source: str, name: str | None = None) -> Graph:
    """The graph of that name, or the only one. Raises SpecError when there is none or a choice."""
    names = [graph.name for graph in objects.graphs]
    if name is None and len(names) == 1:
        return objects.graphs[0]
    for graph in objects.graphs:
        if graph.name == name:
            return graph
    if not names:
        raise Place(source).error("holds no InferenceGraph; name a file with one")
    if name is None:
        raise Place(source).error(f"holds {len(names)} InferenceGraphs; choose one of {names}")
    raise Place(source).error(f'holds no InferenceGraph "{name}"{suggest(name, names)}')


def _read_graph(document: Mapping[str, Any], place: Place) -> Graph:
    metadata = _check_object(document, place, "v1alpha1")
    at = place.at("spec")
    spec = mapping(document.get("spec", {}), at, _SPEC_FIELDS)
    if "nodes" not in spec:
        raise at.error("nodes is required")
    nodes = mapping(spec["nodes"], at.at("nodes"))
    return Graph(
        name=text(metadata, "name", place.at("metadata")),
        namespace=text(metadata, "namespace", place.at("metadata")),
        labels=text_mapping(metadata, "labels", place.at("metadata")),
        annotations=text_mapping(metadata, "annotations", place.at("metadata")),
        nodes={name: _read_node(nodes[name], at.at(f"nodes.{name}")) for name in nodes},
        timeouts=_read_timeouts(spec, at),
        has_timeouts="routerTimeouts" in spec,
        source=place.source,
    )


def _read_node(value: Any, place: Place) -> Node:
    fields = mapping(value, place, ("routerType", "steps"))
    if "routerType" not in fields:
        raise place.error("routerType is required: " + ", ".join(RouterType))
    router_type = RouterType(choice(fields, "routerType", place, list(RouterType)))
    found = items(fields.get("steps", []), place.at("steps"))
    return Node(router_type, tuple(_read_step(step, where) for where, step in found))


def _read_step(value: Any, place: Place) -> Step:
    fields = mapping(value, place, _STEP_FIELDS)
    dependency = choice(fields, "dependency", place, list(Dependency), default=Dependency.SOFT)
    return Step(
        name=text(fields, "name", place),
        node_name=text(fields, "nodeName", place),
        service_name=text(fields, "serviceName", place),
        service_url=text(fields, "serviceUrl", place),
        data=text(fields, "data", place),
        condition=text(fields, "condition", place),
        weight=number(fields, "weight", place),
        dependency=Dependency(dependency),
        map_predictions_to_instances=flag(fields, "mapPredictionsToInstances", place),
    )


def _read_timeouts(spec: Mapping[str, Any], place: Place) -> Timeouts:
    at = place.at("routerTimeouts")
    fields = mapping(spec.get("routerTimeouts", {}), at, _TIMEOUT_FIELDS)
    seconds = {key: number(fields, key, at) for key in fields}
    return Timeouts(
        server_read=_or(seconds.get("serverRead"), Timeouts.server_read),
        server_write=_or(seconds.get("serverWrite"), Timeouts.server_write),
        server_idle=_or(seconds.get("serverIdle"), Timeouts.server_idle),
        service_client=seconds.get("serviceClient"),
    )


def _or(seconds: int | None, default: int) -> int:
    return default if seconds is None else seconds


def _check_object(document: Mapping[str, Any], place: Place, version: str) -> dict[str, Any]:
    """Checks what is common to KServe's objects and gives the metadata."""
    mapping(document, place, _OBJECT_FIELDS)
    wanted = f"{API_GROUP}/{version}"
    if document["apiVersion"] != wanted:
        raise place.error(f'apiVersion is "{document["apiVersion"]}"; write "{wanted}"')
    return mapping(document.get("metadata", {}), place.at("metadata"), _METADATA_FIELDS)


def _check_other(document: Mapping[str, Any], place: Place) -> None:
    """Lets every kind pass that is not plainly a mistyped one of ours."""
    near = suggest(document["kind"], ("InferenceGraph", "InferenceService"))
    if document["apiVersion"].startswith(API_GROUP + "/") and near:
        raise place.error(f'unknown kind "{document["kind"]}"{near}')
