"""Objects of KServe's Python SDK, made from what JSON has.

The SDK reads its own classes from an API server's answer only, and not those of Kubernetes within
them, so the few lines that do both stand here.
"""

from __future__ import annotations

import re
from typing import Any

from graph.composing.shipped import Object
from graph.errors import SpecError, needing
from graph.imports import without_arguments
from graph.spec.plain import plain

_CLASSES = {
    "InferenceService": "V1beta1InferenceService",
    "InferenceGraph": "V1alpha1InferenceGraph",
}
_CONTAINER = re.compile(r"(?P<kind>list\[|dict\(str, )(?P<inner>.*)[\])]")


def to_kserve(body: Object) -> Any:
    """A V1beta1InferenceService or a V1alpha1InferenceGraph; another kind stays as it is.

    Raises SpecError for a field that the SDK does not have, NotInstalled.
    """
    name = _CLASSES.get(body["kind"])
    if name is None:
        return body
    with needing("serving"), without_arguments():
        # Two seconds, so not before somebody wants it.
        from kserve import models
        from kubernetes import client
    made = _Maker((models, client)).value(body, name)
    if plain(made) != body:
        raise SpecError(f"{body['kind']}/{body['metadata']['name']}: has fields that {name} lacks")
    return made


class _Maker:
    """modules: where the classes of the SDK are, which name one another."""

    def __init__(self, modules: tuple[Any, ...]) -> None:
        self._modules = modules

    def value(self, value: Any, kind: str) -> Any:
        """A value of JSON as its class has it. kind: as `openapi_types` of a class names it."""
        found = _CONTAINER.fullmatch(kind)
        if found and found["kind"] == "list[":
            return [self.value(inner, found["inner"]) for inner in value]
        if found:
            return {key: self.value(inner, found["inner"]) for key, inner in value.items()}
        chosen = next((getattr(m, kind) for m in self._modules if hasattr(m, kind)), None)
        if chosen is None or not isinstance(value, dict):
            return value
        fields = {
            key: (chosen.attribute_map[key], chosen.openapi_types[key])
            for key in chosen.openapi_types
        }
        return chosen(
            **{
                key: self.value(value[name], inner)
                for key, (name, inner) in fields.items()
                if name in value
            }
        )
