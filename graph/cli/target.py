"""Options that every command for a cluster has: which cluster, which namespace, which files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from graph.cli import completion
from graph.errors import needing

if TYPE_CHECKING:
    from graph.cluster.connection import Cluster

Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        "-n",
        help="Namespace.",
        show_default="the context's",
        autocompletion=completion.namespaces,
    ),
]
Context = Annotated[
    str,
    typer.Option(
        help="Context of the kubeconfig.",
        show_default="the current one",
        autocompletion=completion.contexts,
    ),
]
Kubeconfig = Annotated[
    str,
    typer.Option(
        help="File that says where clusters are.", show_default="KUBECONFIG, or ~/.kube/config"
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Argument(help="YAML files, folders, or kustomize folders; - reads stdin."),
]
MoreFiles = Annotated[
    list[str] | None,
    typer.Option("--file", "-f", "-k", help="The same, as kubectl has it; may be repeated."),
]
AnyKind = Annotated[
    bool, typer.Option("--any-kind", help="Also objects that have nothing to do with KServe.")
]
Namespaced = Annotated[
    bool,
    typer.Option("--namespaced", help="Leave out what is of the whole cluster, as a Namespace."),
]
ForceConflicts = Annotated[
    bool,
    typer.Option(
        "--force-conflicts", help="Take over fields of other managers, and undo `parley scale`."
    ),
]


class DryRun(StrEnum):
    NONE = "none"
    SERVER = "server"


TryOnly = Annotated[
    DryRun, typer.Option("--dry-run", help="server: only ask it what would be done.")
]


@contextmanager
def connected(namespace: str, context: str, kubeconfig: str) -> Iterator[Cluster]:
    """The cluster that the options name."""
    with needing("cluster"):
        from graph.cluster.connection import connect
    with connect(context, namespace, kubeconfig) as cluster:
        yield cluster


def named_files(files: list[str] | None, more: list[str] | None) -> list[str]:
    """All files of a command line, of which there must be one."""
    found = [*(files or ()), *(more or ())]
    if not found:
        raise typer.BadParameter("name a file or a folder, such as manifests/base")
    return found


def tried(dry_run: DryRun) -> str:
    """What a line ends with that tells only what would be done, as kubectl has it."""
    return " (server dry run)" if dry_run is DryRun.SERVER else ""
