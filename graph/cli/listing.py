"""Lists of objects on stdout: as a table for people, as JSON or YAML for programs, or by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from graph.cli.output import say, say_json

if TYPE_CHECKING:
    from graph.cluster.objects import Ref


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


ListFormat = Annotated[
    Format, typer.Option("--output", "-o", help="Lines for people, json, yaml, or only names.")
]


def say_items(items: Sequence[Mapping[str, Any]], output: Format) -> None:
    """JSON or YAML of a list, for the formats that are complete only at the end."""
    if output is Format.JSON:
        say_json(items)
    elif output is Format.YAML:
        say(yaml.safe_dump(items, allow_unicode=True, sort_keys=False).rstrip())


def line_by_line(output: Format, line: Callable[[Any], str]) -> Callable[[Any], None]:
    """What prints an item as soon as it is known: its line, its name, or nothing until the end."""
    if output is Format.TABLE:
        return lambda item: say(line(item))
    if output is Format.NAME:
        return lambda item: say(item.ref.qualified)
    return lambda item: None


def name_fields(ref: Ref) -> dict[str, str]:
    """Which object an item of JSON or YAML is about."""
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "name": ref.name,
        "namespace": ref.namespace,
    }
