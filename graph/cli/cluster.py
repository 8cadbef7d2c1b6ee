"""`parley apply`, `diff` and `delete`: objects of files, on a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from graph.cli.exits import FAILED, USAGE
from graph.cli.listing import Format, ListFormat, listing, name_fields
from graph.cli.output import note
from graph.cli.target import (
    AnyKind,
    Context,
    DryRun,
    Files,
    ForceConflicts,
    Kubeconfig,
    MoreFiles,
    Namespace,
    Namespaced,
    TryOnly,
    connected,
    named_files,
    tried,
)
from graph.errors import ClusterError

if TYPE_CHECKING:
    from graph.cluster.apply import Change
    from graph.cluster.delete import Removal
    from graph.cluster.diff import Difference
    from graph.cluster.objects import Ref


def apply(
    files: Files = None,
    file: MoreFiles = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    dry_run: TryOnly = DryRun.NONE,
    any_kind: AnyKind = False,
    force_conflicts: ForceConflicts = False,
    replace_jobs: Annotated[
        bool, typer.Option("--replace-jobs", help="Delete and make anew a Job that differs.")
    ] = False,
    namespaced: Namespaced = False,
    output: ListFormat = Format.TABLE,
) -> None:
    """Apply services, graphs and what they need, in order; nothing if the server refuses one.

    Example: parley apply manifests/overlays/embedded
    """
    sources = named_files(files, file)
    with (
        connected(namespace, context, kubeconfig) as cluster,
        listing(output, _describe_change, _change_fields, tried(dry_run)) as take,
    ):
        from graph.cluster import apply as applying

        def tell(change: Change) -> None:
            take(change)
            _note_all(change.ref, change.notes)

        applying.apply(
            cluster,
            sources,
            dry_run=dry_run is DryRun.SERVER,
            any_kind=any_kind,
            force_conflicts=force_conflicts,
            replace_jobs=replace_jobs,
            namespaced=namespaced,
            on_change=tell,
            on_wait=lambda ref: note(f"{ref} is being deleted; waits until it is gone"),
        )


def diff(
    files: Files = None,
    file: MoreFiles = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    any_kind: AnyKind = False,
    force_conflicts: ForceConflicts = False,
    namespaced: Namespaced = False,
) -> None:
    """What `apply` would change. Exit code 0: nothing; 1: what is printed; 2: it cannot be said.

    Example: parley diff manifests/overlays/cpu
    """
    sources = named_files(files, file)
    try:
        with connected(namespace, context, kubeconfig) as cluster:
            from graph.cluster import diff as comparing

            found = comparing.diff(
                cluster,
                sources,
                any_kind=any_kind,
                force_conflicts=force_conflicts,
                namespaced=namespaced,
            )
    except ClusterError as err:
        note(f"parley: {err.message}")
        raise typer.Exit(USAGE) from err
    for difference in found:
        _note_all(difference.ref, difference.notes)
        _say_difference(difference)
    if any(difference.text for difference in found):
        raise typer.Exit(FAILED)


def delete(
    files: Files = None,
    file: MoreFiles = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    dry_run: TryOnly = DryRun.NONE,
    any_kind: AnyKind = False,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Also volume claims, with the models on them.")
    ] = False,
    with_namespace: Annotated[
        bool, typer.Option("--with-namespace", help="Also the namespace, if nothing is left in it.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until all of it is gone.")] = True,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.", min=0.1)] = 180,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: ListFormat = Format.TABLE,
) -> None:
    """Delete what `apply` applied, and only that: what files name, or all in the namespace.

    It says what it leaves. Without a terminal to ask on it needs --yes.

    Example: parley delete manifests/overlays/embedded --yes
    """
    asking = not yes and dry_run is DryRun.NONE
    if asking and not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on; --yes deletes without asking")
    sources = [*(files or ()), *(file or ())] or None
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster import delete as deleting

        remove = partial(
            deleting.delete,
            cluster,
            sources,
            volumes=volumes,
            with_namespace=with_namespace,
            any_kind=any_kind,
        )
        if asking:
            _confirm(remove(dry_run=True))
        with listing(output, _describe_removal, _removal_fields, tried(dry_run)) as take:
            removals = remove(
                dry_run=dry_run is DryRun.SERVER,
                timeout=timeout if wait else 0,
                on_removal=partial(_tell_removal, take, output),
            )
        if not removals:
            note(f'nothing is applied in namespace "{cluster.namespace}"')


def _tell_removal(take: Callable[[Removal], None], output: Format, removal: Removal) -> None:
    """What is left is told beside what is deleted, but to a program as part of it."""
    left = removal.fate == "left"
    if left:
        note(f"{removal.ref} is left: {removal.reason}")
    if not left or output in (Format.JSON, Format.YAML):
        take(removal)


def _describe_change(change: Change) -> str:
    return f"{change.ref.qualified} {change.action}"


def _change_fields(change: Change) -> dict[str, str]:
    return name_fields(change.ref) | {"change": change.action.value}


def _describe_removal(removal: Removal) -> str:
    return f"{removal.ref.qualified} {removal.fate}"


def _removal_fields(removal: Removal) -> dict[str, str]:
    return name_fields(removal.ref) | {"fate": removal.fate.value, "reason": removal.reason}


def _confirm(plan: Sequence[Removal]) -> None:
    going = [removal.ref for removal in plan if removal.fate == "deleted"]
    if not going:
        return
    for ref in going:
        note(f"  {ref}" + (f" in namespace {ref.namespace}" if ref.namespace else ""))
    if not typer.confirm("Delete these?", err=True):
        note("nothing was deleted")
        raise typer.Exit(FAILED)


def _say_difference(difference: Difference) -> None:
    for line in difference.text.splitlines():
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
        typer.secho(line, fg=colour)


def _note_all(ref: Ref, notes: Sequence[str]) -> None:
    for words in notes:
        note(f"{ref}: {words}")
