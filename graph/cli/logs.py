"""`parley logs`: what all pods of an application write, as one stream."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graph.cli.output import say
from graph.cli.target import Context, Kubeconfig, Namespace, connected

if TYPE_CHECKING:
    from graph.cluster.logs import Line

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# What the lines of Parley's predictors, and of KServe's router, call these.
_EVENT, _TIME = ("event", "msg"), ("timestamp", "ts")
_OWN = (*_EVENT, *_TIME, "level", "logger", "exception")
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red")
_LEVELS = {"warning": "yellow", "error": "red", "critical": "red"}


def logs(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Graphs, services, Jobs or pods.", show_default="all applications of the namespace"
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines come, also with new pods.")
    ] = False,
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of containers before their last restart.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="Only the last while, as 90s, 5m or 1h30m.", show_default="all")
    ] = "",
    tail: Annotated[
        int, typer.Option(help="Only the last lines of each container; -1 for all.", min=-1)
    ] = 200,
    container: Annotated[
        str, typer.Option("--container", "-c", help="Only containers of this name.")
    ] = "",
    request_id: Annotated[
        str, typer.Option("--request-id", help="Only lines that name this request.")
    ] = "",
    prefix: Annotated[bool, typer.Option(help="Begin each line with its pod.")] = True,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """The logs of all pods of graphs and services, in the order of their times.

    At a terminal, lines of JSON are shown as text; elsewhere each line is as the pod wrote it.

    Example: parley logs multilingual-chat -f -n parley --request-id 4a387dce
    """
    from graph.cluster.logs import Wanted, keep, read_logs

    if follow and previous:
        raise typer.BadParameter("--previous logs are over; leave --follow out")
    seconds = read_duration(since)
    # A filter looks at all lines, not only at the last.
    wanted = Wanted(container, -1 if request_id else tail, seconds)
    with connected(namespace, context, kubeconfig) as cluster, suppress(KeyboardInterrupt):
        if follow:
            from graph.cluster.following import follow_logs

            lines: Iterable[Line] = follow_logs(cluster, names or (), wanted)
        else:
            lines = read_logs(cluster, names or (), wanted, previous)
        _say_lines(keep(lines, request_id), prefix)


def _say_lines(lines: Iterable[Line], prefix: bool) -> None:
    readable = sys.stdout.isatty()
    colours: dict[str, str] = {}
    for line in lines:
        text = describe(line.text) if readable else line.text
        begin = ""
        if prefix:
            colour = colours.setdefault(line.pod, _COLOURS[len(colours) % len(_COLOURS)])
            begin = f"[{line.pod}/{line.container}] "
            begin = typer.style(begin, fg=colour) if readable else begin
        say(begin + text)


def describe(text: str) -> str:
    """A line of a JSON log for a person: time, level, what happened, and what belongs to it.

    Any other line is as it is.
    """
    try:
        value = json.loads(text)
    except ValueError:
        return text
    event = _first(value, _EVENT) if isinstance(value, dict) else None
    if not isinstance(event, str):
        return text
    time = str(_first(value, _TIME) or "").partition("T")[2].partition(".")[0].rstrip("Z")
    level = str(value.get("level", ""))
    rest = [f"{key}={_plain(value[key])}" for key in value if key not in _OWN]
    colour = _LEVELS.get(level)
    words = typer.style(f"{level:7} {event}", fg=colour) if colour else f"{level:7} {event}"
    return "  ".join(filter(None, (time, words, *rest))) + _exceptions(value.get("exception"))


def _first(value: dict[str, Any], keys: Iterable[str]) -> Any:
    return next((value[key] for key in keys if key in value), None)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _exceptions(found: Any) -> str:
    """Each error of a chain on a line of its own, the cause last, as structlog writes them."""
    if not isinstance(found, list):
        return f"\n    {found}" if found else ""
    errors = [each for each in found if isinstance(each, dict)]
    return "".join(f"\n    {each.get('exc_type')}: {each.get('exc_value')}" for each in errors)


def read_duration(text: str) -> int:
    """Seconds of 90s, 5m or 1h30m; 0 for "". Raises typer.BadParameter."""
    if text and not re.fullmatch(r"(\d+[smhd])+", text):
        raise typer.BadParameter(f"--since {text}: write a number and s, m, h or d, as 5m")
    return sum(int(n) * _SECONDS[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))
