"""Lists of objects on stdout: as a table for people, as JSON or YAML for programs, or by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

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


class Named(Protocol):
    """What a list may hold."""

    @property
    def ref(self) -> Ref: ...


T = TypeVar("T", bound=Named)
ListFormat = Annotated[
    Format, typer.Option("--output", "-o", help="Lines for people, json, yaml, or only names.")
]


@contextmanager
def listing(
    output: Format,
    line: Callable[[T], str],
    fields: Callable[[T], Mapping[str, Any]],
    end: str = "",
) -> Iterator[Callable[[T], None]]:
    """What takes items one by one: prints a line of each at once, or all of them at the end.

    line: for people, with `end` after it, or only the name.  fields: for JSON and YAML, which come
    at the end, also after a failure and after Ctrl-C, with what there is by then.
    """
    items: list[T] = []

    def take(item: T) -> None:
        items.append(item)
        if output is Format.TABLE:
            say(line(item) + end)
        elif output is Format.NAME:
            say(item.ref.qualified)

    try:
        yield take
    finally:
        say_items([fields(item) for item in items], output)


def say_items(items: Sequence[Mapping[str, Any]], output: Format) -> None:
    """JSON or YAML of a list, for the formats that are complete only at the end."""
    if output is Format.JSON:
        say_json(items)
    elif output is Format.YAML:
        listed = [dict(item) for item in items]
        say(yaml.safe_dump(listed, allow_unicode=True, sort_keys=False).rstrip())


def name_fields(ref: Ref) -> dict[str, str]:
    """Which object an item of JSON or YAML is about."""
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "name": ref.name,
        "namespace": ref.namespace,
    }
