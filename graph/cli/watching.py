"""`parley status`, `wait` and `open`: look at what runs on a cluster, and reach it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from graph.cli.listing import Format, ListFormat
from graph.cli.output import note, say, say_json
from graph.cli.target import Context, Kubeconfig, Namespace, connected

if TYPE_CHECKING:
    from rich.console import RenderableType

    from graph.cluster.parts.model import Status

Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Graphs, services, or instances, such as a Helm release.",
        show_default="all of the namespace",
    ),
]


def status(
    names: Names = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    output: ListFormat = Format.TABLE,
) -> None:
    """How graphs and services are: their Jobs, pods and routes, and why one does not run.

    It works for anybody's InferenceServices and InferenceGraphs. The exit code does not say
    whether all is ready; that of `parley wait` does.

    Example: parley status multilingual-chat -n parley
    """
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster.crashlogs import CrashLogs
        from graph.cluster.status import read_status

        found = CrashLogs(cluster).fill(read_status(cluster, names or ()))
    _say_status(found, output)


def wait(
    names: Names = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.", min=0.1)] = 600,
    turn: Annotated[
        bool, typer.Option(help="At the end, ask for one answer through a forwarded port.")
    ] = True,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    output: ListFormat = Format.TABLE,
) -> None:
    """Until graphs and services work; exit code 3, with the first trouble, where they do not.

    They work when Jobs are done, the pods of all services and of the graph's router are new and
    available, a route is accepted, and one request is answered: a turn by Parley's own models,
    readyz by the router of another graph. A graph that KServe has put off is nudged.

    Trouble is shown as it comes, with its fix, and waited for until the time is up: an image may
    still be pushed, a node may join. Only a Job that failed for good, and what is paused, end the
    wait at once. An API server that goes away meanwhile does not.

    Example: parley wait -n parley --timeout 900
    """
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster.wait import wait as wait_for

        with _watched() as show:
            found = wait_for(cluster, names or (), timeout, turn=turn, on_change=show)
    if output is Format.TABLE:
        for application in found.applications:
            say(f"{application.name} is ready")
    else:
        _say_status(found, output)


def open(
    name: Annotated[
        str, typer.Argument(help="A graph or a service.", show_default="the only one")
    ] = "",
    service: Annotated[
        str, typer.Option(help="Forward this InferenceService's predictor in its place.")
    ] = "",
    port: Annotated[
        int, typer.Option(help="Port on this machine.", show_default="a free one", min=0)
    ] = 0,
    host: Annotated[str, typer.Option(help="Address on this machine.")] = "127.0.0.1",
    talk: Annotated[bool, typer.Option("--chat", help="Start a conversation there.")] = False,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Forward a graph's port to this machine and print its URL, until Ctrl-C.

    Pods may be replaced meanwhile. No gateway and no route is needed. --chat is `parley chat
    --cluster`.

    Example: parley open multilingual-chat -n parley --port 8080
    """
    if talk:
        if service or port:
            raise typer.BadParameter("--chat talks to a graph; leave --service and --port out")
        from graph.cli.talking import chat

        chat(cluster=True, graph=name, namespace=namespace, context=context, kubeconfig=kubeconfig)
        return
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster.doors import find_door
        from graph.cluster.forward import forward

        door = find_door(cluster, name, service)
        with forward(
            cluster, f"service/{door}", local_port=port, host=host, on_problem=_note_problem
        ) as url:
            say(url)
            note(f"forwards to {door} in namespace {cluster.namespace}; Ctrl-C ends it")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


def _note_problem(problem: str) -> None:
    note(f"parley: {problem}")


def _say_status(found: Status, output: Format) -> None:
    from graph.cli import status as shown

    if output is Format.JSON:
        say_json(shown.to_dict(found))
    elif output is Format.YAML:
        import yaml

        say(yaml.safe_dump(shown.to_dict(found), allow_unicode=True, sort_keys=False).rstrip())
    elif output is Format.NAME:
        say("\n".join(shown.qualified_names(found)))
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(shown.draw(found))
    else:
        say("\n".join(shown.list_lines(found)))


@contextmanager
def _watched() -> Iterator[Callable[[Status], None]]:
    """What shows each status on stderr: a live tree at a terminal, elsewhere a line a change."""
    from graph.cli import status as shown

    if not sys.stderr.isatty():
        last: list[Status | None] = [None]

        def tell(now: Status) -> None:
            for line in shown.list_changes(last[0], now):
                note(line)
            last[0] = now

        yield tell
        return
    from rich.console import Console
    from rich.live import Live

    tree = _LiveTree()
    with Live(tree, console=Console(stderr=True), refresh_per_second=4):
        yield tree.show


class _LiveTree:
    """The last status under the seconds that have passed."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._status: Status | None = None

    def show(self, status: Status) -> None:
        self._status = status

    def __rich__(self) -> RenderableType:
        from rich.console import Group

        from graph.cli.status import draw

        passed = f"[dim]{time.monotonic() - self._started:.0f} s[/]"
        return Group(passed, draw(self._status)) if self._status else passed
