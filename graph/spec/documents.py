"""YAML text to plain Kubernetes objects, with the place of everything that is read.

A `Place` says where a value is: file, object, field. Its `error` makes the one line that a user
sees, and the readers below (`mapping`, `text`, `number`...) refuse a value of the wrong type at the
place where it is. Nothing is guessed and no key is ignored. The API server refuses an unknown field
too, and a mistyped field that has no effect is the hardest mistake to find.

A key that is given twice is refused although YAML allows it, because the first one would be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from graph.errors import SpecError, find_nearest
from graph.spec.aliases import check_aliases


@dataclass(frozen=True)
class Place:
    """Where a value is. `field` is a path such as `spec.nodes.root.steps[0].data`."""

    source: str
    object: str = ""
    field: str = ""

    def at(self, key: str) -> Place:
        return replace(self, field=f"{self.field}.{key}" if self.field else key)

    def item(self, index: int) -> Place:
        return replace(self, field=f"{self.field}[{index}]")

    def error(self, problem: str) -> SpecError:
        where = [part for part in (self.source, self.object, self.field) if part]
        return SpecError(": ".join([*where, problem]))


def read_yaml(text: str, source: str) -> Any:
    """The one YAML document of a text, JSON included. Raises SpecError."""
    documents = _load(text, source)
    if len(documents) > 1:
        raise SpecError(f"{source}: holds {len(documents)} YAML documents, must be one")
    return documents[0] if documents else None


def read_documents(text: str, source: str) -> list[tuple[Place, dict[str, Any]]]:
    """The objects of a YAML text, `kind: List` unfolded, each with its place.

    Raises SpecError for text that is not YAML, a document that is not a Kubernetes object, and a
    text without any object.
    """
    objects = []
    for number, document in enumerate(_load(text, source), start=1):
        if document is not None:
            objects += unfold(document, Place(source, f"document {number}"))
    if not objects:
        raise SpecError(f"{source}: no Kubernetes object in it; write one with apiVersion and kind")
    return objects


def unfold(document: Any, place: Place) -> list[tuple[Place, dict[str, Any]]]:
    """One object, or those of a `kind: List`, each with its place. Raises SpecError."""
    fields = mapping(document, place)
    for key in ("apiVersion", "kind"):
        if not text(fields, key, place):
            raise place.error(f"is not a Kubernetes object: it has no {key}")
    if fields["kind"] == "List":
        found = items(fields.get("items", []), place.at("items"))
        return [pair for where, inner in found for pair in unfold(inner, where)]
    return [(place, fields)]


def mapping(value: Any, place: Place, known: Collection[str] | None = None) -> dict[str, Any]:
    """`value` as a mapping with text keys; a key that is not in `known` is refused by name."""
    if not isinstance(value, dict):
        raise place.error(f"must be a mapping, not {_name_type(value)}")
    fields = {_key_text(key): inner for key, inner in value.items()}
    if known is not None:
        for key in fields:
            if key not in known:
                raise place.error(f'unknown field "{key}"{suggest(key, known)}')
    return fields


def items(value: Any, place: Place) -> list[tuple[Place, Any]]:
    """The items of a list, each with its own place."""
    if not isinstance(value, list):
        raise place.error(f"must be a list, not {_name_type(value)}")
    return [(place.item(index), inner) for index, inner in enumerate(value)]


def text(fields: Mapping[str, Any], key: str, place: Place, default: str = "") -> str:
    """A text field. YAML reads `1`, `on` and `2026-01-01` as something else: quote them."""
    value = fields.get(key, default)
    if not isinstance(value, str):
        raise place.at(key).error(f"must be text, not {_name_type(value)}; put it in quotes")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise place.at(key).error("names half a character by an escape; write the whole one")
    return value


def number(fields: Mapping[str, Any], key: str, place: Place) -> int | None:
    """A whole number, or None where the key is absent. `50.0` is whole, `"50"` is not a number."""
    if key not in fields:
        return None
    value = fields[key]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.at(key).error(f"must be a whole number, not {_name_type(value)}")
    return value


def flag(fields: Mapping[str, Any], key: str, place: Place) -> bool:
    """A boolean field, false where it is absent."""
    value = fields.get(key, False)
    if not isinstance(value, bool):
        raise place.at(key).error(f"must be true or false, not {_name_type(value)}")
    return value


def choice(
    fields: Mapping[str, Any], key: str, place: Place, known: Collection[str], default: str = ""
) -> str:
    """A text field that takes one of `known`; absent means `default`, which need not be one."""
    if key not in fields:
        return default
    value = text(fields, key, place)
    if value not in known:
        listed = ", ".join(f'"{name}"' for name in known)
        problem = f'unsupported value "{value}", supported are {listed}'
        raise place.at(key).error(problem + suggest(value, known))
    return value


def texts(fields: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
    """A list of texts, empty where the key is absent."""
    found = items(fields.get(key, []), place.at(key))
    for where, value in found:
        if not isinstance(value, str):
            raise where.error(f"must be text, not {_name_type(value)}; put it in quotes")
    return tuple(value for _, value in found)


def text_mapping(fields: Mapping[str, Any], key: str, place: Place) -> dict[str, str]:
    """A mapping of text to text such as `annotations`, empty where the key is absent."""
    found = mapping(fields.get(key, {}), place.at(key))
    return {inner: text(found, inner, place.at(key)) for inner in found}


def suggest(name: str, known: Collection[str]) -> str:
    """`; did you mean "x"?` for the nearest known name, or nothing when none is near."""
    near = find_nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def _load(text: str, source: str) -> list[Any]:
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
        for document in documents:
            check_aliases(document, source)
        return documents
    except yaml.YAMLError as err:
        raise SpecError(f"{source}: not YAML: {_yaml_problem(err)}") from err
    except (ValueError, RecursionError) as err:
        # Values such as `!!int x`, and brackets without end.
        raise SpecError(f"{source}: not YAML of a Kubernetes object: {err}") from err
    except (LookupError, TypeError, AttributeError) as err:
        # What the library raises for `!!float` without a value, `!!bool x` and their like.
        problem = "a value does not fit its tag, such as !!float; leave the tag out"
        raise SpecError(f"{source}: not YAML of a Kubernetes object: {problem}") from err


def _name_type(value: Any) -> str:
    if value is None:
        return "empty (leave the key out or give it a value)"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text"}
    names |= {dict: "a mapping", list: "a list"}
    return names.get(type(value), f"a {type(value).__name__}")


def _key_text(key: Hashable) -> str:
    # As YAML becomes JSON on its way to the API server.
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _yaml_problem(err: yaml.YAMLError) -> str:
    if isinstance(err, yaml.MarkedYAMLError) and err.problem_mark is not None:
        mark = err.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {err.problem}"
    return " ".join(str(err).split())


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, and takes a date for text, as the API server."""

    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key that is no scalar", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key "{key}" is given twice', key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
