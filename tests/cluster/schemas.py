"""JSON schemas for kubeconform, made from what a cluster says of its own kinds and CRDs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
KINDS = "x-kubernetes-group-version-kind"
REFERENCE = "#/definitions/"
# Types that the OpenAPI document calls texts though numbers are as good.
LOOSE = (
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
)


def write(document: Mapping[str, Any], folder: Path) -> str:
    """Write one schema a kind; the template by which kubeconform finds them.

    document: the cluster's `/openapi/v2`.
    """
    definitions = {name: _strict(name, item) for name, item in document["definitions"].items()}
    for name, item in document["definitions"].items():
        for kind in item.get(KINDS, ()):
            needed = {key: definitions[key] for key in _closure(name, definitions)}
            # kubeconform takes the version of a kind of the core for its group.
            group = kind["group"] or kind["version"]
            target = folder / f"{group}_{kind['version']}_{kind['kind'].lower()}.json"
            target.write_text(
                json.dumps({"$ref": REFERENCE + name, "definitions": needed}), encoding="utf-8"
            )
    return f"{folder}/{{{{ .Group }}}}_{{{{ .ResourceAPIVersion }}}}_{{{{ .ResourceKind }}}}.json"


def _strict(name: str, schema: Any) -> Any:
    """The schema with every unknown field refused, but where the kind keeps unknown ones."""
    if name in LOOSE:
        return {"type": ["string", "number", "integer"]}
    if isinstance(schema, list):
        return [_strict("", item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    made = {key: _strict("", value) for key, value in schema.items()}
    # Formats of OpenAPI (int32, byte) are none of JSON Schema; descriptions are most of the bulk.
    for key in ("format", "description"):
        if isinstance(made.get(key), str):
            del made[key]
    if "properties" in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def _closure(name: str, definitions: Mapping[str, Any]) -> set[str]:
    """A definition and all that it refers to."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += _references(definitions[current])
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(REFERENCE)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
