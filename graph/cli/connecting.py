"""How a command that talks reaches a graph: at a URL, on a cluster, or in this process.

Every such command has the same options: the fields of `Server`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from graph.calling.protocol import RETRIES
from graph.cli import completion
from graph.cli.interrupts import ended_at_once
from graph.cli.output import note

if TYPE_CHECKING:
    from graph.client import ChatClient


def _option(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="A graph that runs elsewhere", **more)


@dataclass(frozen=True)
class Server:
    """A graph that runs elsewhere, and how it is asked; without any of it the graph runs here."""

    url: Annotated[str, _option(help="Talk to the graph at this URL.", envvar="PARLEY_URL")] = ""
    host: Annotated[
        str, _option(help="The graph's host name, where the URL has a gateway's address.")
    ] = ""
    header: Annotated[
        list[str] | None,
        _option(metavar="NAME:VALUE", help="Send this header too; may be repeated."),
    ] = None
    api_key: Annotated[
        str, _option(help="Send it as `Authorization: Bearer KEY`.", envvar="PARLEY_API_KEY")
    ] = ""
    ca: Annotated[
        str, _option(metavar="FILE", help="PEM file with the authority of the certificate.")
    ] = ""
    insecure: Annotated[
        bool, _option("--insecure", help="Do not check the server's certificate.")
    ] = False
    cluster: Annotated[
        bool, _option("--cluster", help="Talk to a graph on the cluster that kubectl would ask.")
    ] = False
    namespace: Annotated[
        str,
        _option(
            "--namespace",
            "-n",
            help="Its namespace.",
            show_default="the context's",
            autocompletion=completion.namespaces,
        ),
    ] = ""
    graph: Annotated[
        str, _option(help="Its name.", show_default="the only one of the namespace")
    ] = ""
    context: Annotated[
        str,
        _option(
            help="Context of the kubeconfig.",
            show_default="the current one",
            autocompletion=completion.contexts,
        ),
    ] = ""
    kubeconfig: Annotated[
        str,
        _option(
            help="File that says where clusters are.", show_default="KUBECONFIG, or ~/.kube/config"
        ),
    ] = ""
    retries: Annotated[
        int,
        _option(
            min=0,
            help="How often a message is sent again that the server refused whole; 0 for never.",
        ),
    ] = RETRIES

    @property
    def is_elsewhere(self) -> bool:
        return bool(self.url or self.cluster)

    def connect(self) -> ChatClient:
        """A client for the url, or for the cluster. Raises SpecError, ClusterError."""
        from graph.client import ChatClient

        if self.cluster:
            place = (self.namespace, self.context, self.graph, self.kubeconfig)
            return ChatClient.cluster(*place, retries=self.retries)
        return ChatClient(
            self.url,
            host=self.host,
            headers=dict(map(_read_header, self.header or ())),
            api_key=self.api_key,
            verify=self.ca or not self.insecure,
            retries=self.retries,
        )

    def check(self, file: str) -> None:
        """Refuse options that contradict each other."""
        if bool(self.url) + self.cluster + bool(file) > 1:
            raise typer.BadParameter("give one of a file, --url (or PARLEY_URL) and --cluster")
        if self.ca and self.insecure:
            raise typer.BadParameter("give --ca or --insecure, not both")
        for needed, names in _NEEDS.items():
            for name in names:
                if getattr(self, name) and not getattr(self, needed):
                    raise typer.BadParameter(f"--{name} needs --{needed}")


# Options that mean nothing without another one.
_NEEDS = {
    "url": ("host", "header", "ca", "insecure"),
    "cluster": ("namespace", "graph", "context", "kubeconfig"),
}


def reaching(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each field of its parameter `server`."""
    own = inspect.signature(command, eval_str=True).parameters
    hints = get_type_hints(Server, include_extras=True)
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(Server)
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        chosen = {name: given.pop(name) for name in hints if name in given}
        command(server=Server(**chosen), **given)

    kept = [parameter for name, parameter in own.items() if name != "server"]
    signature = inspect.Signature(
        [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*kept, *options)]
    )
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: each.annotation for name, each in signature.parameters.items()}
    return run


@contextmanager
def open_client(server: Server, file: str) -> Iterator[tuple[ChatClient, Sequence[str]]]:
    """A client and the languages that are served, where that is known.

    The graph runs elsewhere, or in this process with its models named and loaded.
    """
    server.check(file)
    if server.is_elsewhere:
        with server.connect() as client:
            yield client, ()
        return
    from graph.client import ChatClient
    from graph.local import build as local
    from graph.local.models import on_terminal
    from graph.local.transport import LocalTransport

    with on_terminal(sys.stderr) as progress:
        built = local.build(
            local.read_file(file), file or local.DEFAULT_FILE.name, progress=progress
        )
    with ended_at_once():
        built.load()
    for line in built.licences():
        note(line)
    transport = LocalTransport(built)
    with ChatClient(transport=transport) as client:
        yield client, transport.languages


def _read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise typer.BadParameter(f'--header {text}: write NAME:VALUE, such as "x-api-key: KEY"')
    return name.strip(), value.strip()
