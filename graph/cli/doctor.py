"""`parley doctor`: whether a cluster has what graphs and services need."""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from graph.cli.exits import FAILED
from graph.cli.listing import Format, ListFormat, say_items
from graph.cli.output import say
from graph.cli.target import Context, Kubeconfig, Namespace, connected

if TYPE_CHECKING:
    from graph.cluster.doctor.model import Finding

_COLOURS = {"ok": "green", "note": "yellow", "failure": "red"}


def doctor(
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Also make small pods that try images, DNS and policies."),
    ] = False,
    image: Annotated[
        list[str] | None,
        typer.Option(
            help="Image to pull with --probe; may be repeated. The first one needs python.",
            show_default="the detector's",
        ),
    ] = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
    output: ListFormat = Format.TABLE,
) -> None:
    """Look at what a cluster needs for graphs and services; each finding has its fix.

    KServe, its settings and kinds, the gateway, GPUs, DNS, storage, add-ons, the namespace, and
    your rights. Exit code 0: all well, or only notes; 1: a failure. --probe makes pods and a
    NetworkPolicy in the namespace, for which the shipped Role has no right, and deletes them.

    Example: parley doctor -n parley --probe
    """
    if image and not probe:
        raise typer.BadParameter("--image is what --probe pulls; give --probe too")
    images = (image or [f"parley-detector:{version('parley')}"]) if probe else []
    found = []
    with connected(namespace, context, kubeconfig) as cluster:
        from graph.cluster.doctor.examination import examine

        for finding in examine(cluster, images):
            found.append(finding)
            if output is Format.TABLE:
                _say_finding(finding)
            elif output is Format.NAME and finding.verdict != "ok":
                say(finding.check)
    say_items([asdict(finding) | {"verdict": finding.verdict.value} for finding in found], output)
    if any(finding.verdict == "failure" for finding in found):
        raise typer.Exit(FAILED)


def _say_finding(finding: Finding) -> None:
    verdict = f"{finding.verdict.value:8}"
    if sys.stdout.isatty():
        verdict = typer.style(verdict, fg=_COLOURS[finding.verdict.value])
    say(f"{verdict} {finding.check:18} {finding.found}")
    if finding.fix:
        say(f"{'':8} {'':18} fix: {finding.fix}")
