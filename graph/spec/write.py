"""Objects as text, and the nodes of a graph as KServe's objects have them.

What is written here, `graph.spec.load` reads back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from graph.spec.model import Dependency, Node, Step


def write_nodes(nodes: Mapping[str, Node]) -> dict[str, Any]:
    """`spec.nodes` of an InferenceGraph, without what is KServe's default."""
    return {
        name: {"routerType": str(node.router_type), "steps": [_write_step(s) for s in node.steps]}
        for name, node in nodes.items()
    }


def _write_step(step: Step) -> dict[str, Any]:
    fields = {
        "name": step.name,
        "nodeName": step.node_name,
        "serviceName": step.service_name,
        "serviceUrl": step.service_url,
        "condition": step.condition,
        "data": step.data,
        "weight": step.weight,
        "mapPredictionsToInstances": step.map_predictions_to_instances,
        "dependency": "" if step.dependency is Dependency.SOFT else str(step.dependency),
    }
    # A weight of 0 is a weight.
    return {
        name: value
        for name, value in fields.items()
        if value not in ("", None) and value is not False
    }


def write_yaml(objects: Iterable[Mapping[str, Any]]) -> str:
    """The objects as one YAML text, their fields in the order in which they have them."""
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes a value again where it comes again; people edit what is written."""

    def ignore_aliases(self, data: object) -> bool:
        return True
