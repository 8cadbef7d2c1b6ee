"""`parley scale`, `pause` and `resume`: how many pods a service or a graph has on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graph.cli.listing import Format, ListFormat, listing, name_fields
from graph.cli.target import Context, DryRun, Kubeconfig, Namespace, TryOnly, connected, tried

if TYPE_CHECKING:
    from graph.cluster.scaling import Paused, Scaled

_NAMING = "as chat, or with its kind, as isvc/chat or ig/chat."
Names = Annotated[list[str] | None, typer.Argument(help=f"Services and graphs, each {_NAMING}")]
All = Annotated[bool, typer.Option("--all", help="All services and graphs of the namespace.")]


def scale(
    name: Annotated[str, typer.Argument(help=f"A service or a graph, {_NAMING}")],
    replicas: Annotated[int, typer.Argument(help="How many pods.")],
    most: Annotated[
        int | None, typer.Option("--max", help="Up to so many where there is load.")
    ] = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    dry_run: TryOnly = DryRun.NONE,
    output: ListFormat = Format.TABLE,
) -> None:
    """So many pods of a service or of a graph's router; a later `apply` leaves it at that.

    Example: parley scale chat 2 --max 5 -n parley
    """
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster import scaling

        scaled = scaling.scale(cluster, name, replicas, most, dry_run=dry_run is DryRun.SERVER)
    with listing(output, _describe_scale, _scale_fields, tried(dry_run)) as take:
        take(scaled)


def pause(
    names: Names = None,
    everything: All = False,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    dry_run: TryOnly = DryRun.NONE,
    output: ListFormat = Format.TABLE,
) -> None:
    """Stop the pods of services and graphs, which keep their objects; a later `apply` does too.

    Example: parley pause chat detector -n parley
    """
    chosen = _choose(names, everything)
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster import scaling

        _say_all(scaling.pause(cluster, chosen, dry_run=dry_run is DryRun.SERVER), output, dry_run)


def resume(
    names: Names = None,
    everything: All = False,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    dry_run: TryOnly = DryRun.NONE,
    output: ListFormat = Format.TABLE,
) -> None:
    """Start the pods again that `pause` stopped.

    Example: parley resume --all -n parley
    """
    chosen = _choose(names, everything)
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster import scaling

        _say_all(scaling.resume(cluster, chosen, dry_run=dry_run is DryRun.SERVER), output, dry_run)


def _choose(names: list[str] | None, everything: bool) -> list[str] | None:
    if bool(names) is everything:
        raise typer.BadParameter("give names, or --all")
    return names or None


def _say_all(states: list[Paused], output: Format, dry_run: DryRun) -> None:
    with listing(output, _describe_pause, _pause_fields, tried(dry_run)) as take:
        for state in states:
            take(state)


def _scale_fields(scaled: Scaled) -> dict[str, str | int]:
    least, most = scaled.now
    return name_fields(scaled.ref) | {"minReplicas": least, "maxReplicas": most}


def _describe_scale(scaled: Scaled) -> str:
    return f"{scaled.ref.qualified} scaled to {_range(scaled.now)} (was {_range(scaled.before)})"


def _describe_pause(state: Paused) -> str:
    word = "paused" if state.paused else "resumed"
    already = "" if state.changed else " already"
    return f"{state.ref.qualified} {word}{already}"


def _pause_fields(state: Paused) -> dict[str, str | bool]:
    return name_fields(state.ref) | {"paused": state.paused}


def _range(replicas: tuple[int | None, int | None]) -> str:
    least, most = replicas
    if least == most or most is None:
        return "KServe's default" if least is None else str(least)
    return f"{1 if least is None else least} to {most}"
