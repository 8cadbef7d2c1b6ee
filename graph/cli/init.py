"""`parley init`: the YAML of a chat in languages of one's choice."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from graph.cli.output import note, say
from graph.errors import SpecError


def init(
    languages: Annotated[
        str, typer.Option(help="Languages besides English, by their codes: fr,es.")
    ] = "fr",
    embedded: Annotated[
        bool,
        typer.Option(
            "--embedded", help="Small models inside the images: no model hub, no volume, no GPU."
        ),
    ] = False,
    gpu: Annotated[
        str,
        typer.Option(
            metavar="RESOURCE",
            help="Run the models on GPUs: the resource that a pod asks for, such as "
            "nvidia.com/gpu, or nvidia.com/gpu.shared for a part of one.",
        ),
    ] = "",
    translator: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="One model for every translator, hf:ID@REVISION, in the place of those that are "
            "known by language.",
        ),
    ] = "",
    namespace: Annotated[
        str, typer.Option(help="Namespace of the chat's own; the file holds it too.")
    ] = "parley",
    host: Annotated[
        str,
        typer.Option(
            help="Host name that clients call it by.",
            show_default="multilingual-chat.parley.example.com",
        ),
    ] = "",
    registry: Annotated[
        str,
        typer.Option(
            metavar="PREFIX",
            help="Where a cluster pulls the images from, such as registry.example.com/parley.",
        ),
    ] = "",
    pull_secret: Annotated[
        str,
        typer.Option(
            metavar="SECRET", help="Secret that it pulls them with, from a private registry."
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - prints it.")
    ] = "chat.yaml",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write the YAML of a chat in your languages, for this machine and for a cluster.

    It is one file with everything: `parley chat FILE` and `parley serve FILE` run it here, and
    `parley apply FILE` or `kubectl apply -f FILE` on a cluster with KServe. Without --embedded and
    --gpu it has the reference models for CPUs.

    Example: parley init --languages fr,es --embedded -o chat.yaml
    """
    from graph.composing.multilingual import Plan, write_chat
    from graph.composing.shipped import Variant
    from graph.spec.write import write_yaml

    if embedded and (gpu or translator):
        raise typer.BadParameter("--embedded has models of its own, for CPUs; leave it out")
    if pull_secret and not registry:
        raise typer.BadParameter("--pull-secret is for the images of --registry; give both")
    variant = Variant.EMBEDDED if embedded else Variant.GPU if gpu else Variant.CPU
    codes = [code.strip() for code in languages.split(",")]
    plan = Plan(codes, variant, namespace, host, translator, gpu, registry, pull_secret)
    text = _header(codes, output) + write_yaml(write_chat(plan))
    if output == "-":
        say(text.removesuffix("\n"))
        return
    _write(Path(output), text, force)
    file = shlex.quote(output)
    note(f"wrote {output}; next: parley chat {file}, or parley apply {file}")


def _header(codes: list[str], output: str) -> str:
    file = "FILE" if output == "-" else shlex.quote(output)
    return (
        f"# A chat in {', '.join(dict.fromkeys(['en', *codes]))}, written by `parley init`.\n"
        f"# On this machine: parley chat {file}\n"
        f"# On a cluster with KServe: parley apply {file}, or kubectl apply -f {file}\n"
    )


def _write(file: Path, text: str, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as err:
        raise SpecError(f"{file}: is there already; --force overwrites it") from err
    except OSError as err:
        raise SpecError(f"{file}: cannot be written: {err.strerror}") from err
