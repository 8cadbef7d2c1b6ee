"""`parley models`: what weights are here, where they come from, and whether they are whole.

It parses, calls one function of `graph.local.models` and prints. That module is imported when a
command runs, because it needs the packages that run models.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(help="List, pull, convert, verify and remove models.", no_args_is_help=True)

Folder = Annotated[
    str,
    typer.Option("--models", help="Folder of the model cache.", envvar="PARLEY_MODELS"),
]
Model = Annotated[str, typer.Argument(help="hf:ID@REVISION, embedded:NAME or a folder.")]
Several = Annotated[list[str], typer.Argument(help="hf:ID@REVISION or a folder, one or more.")]


class Quantization(StrEnum):
    INT8 = "int8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


@app.command("list")
def list_models(models: Folder = "") -> None:
    """The models that are here, with their licences, and the folder of the cache.

    Example: parley models list
    """
    from graph.local import models as cache

    folder, entries = cache.list_models(models)
    width = max(len(entry.model) for entry in entries)
    for entry in entries:
        note = entry.licence or entry.path
        size = f"{entry.size / 1e6:.0f} MB"
        typer.echo(f"{entry.model:{width}}  {entry.state:13}  {size:>8}  {note}")
    typer.echo(f"model cache: {folder}", err=True)


@app.command()
def pull(model: Several, models: Folder = "") -> None:
    """Fetch checkpoints from a model hub; goes on where an interrupted pull stopped.

    Example: parley models pull hf:google/flan-t5-large@REVISION
    """
    from graph.local import models as cache

    with cache.on_terminal(sys.stderr) as progress:
        for name in model:
            typer.echo(cache.pull(name, models, progress))


@app.command()
def convert(
    model: Several,
    models: Folder = "",
    quantization: Annotated[
        Quantization, typer.Option(help="int8 for CPUs, float16 for GPUs.")
    ] = Quantization.INT8,
) -> None:
    """Make checkpoints fast to serve: once, for the same files and settings.

    Example: parley models convert hf:google/flan-t5-large@REVISION
    """
    from graph.local import models as cache

    with cache.on_terminal(sys.stderr) as progress:
        for name in model:
            typer.echo(cache.convert(name, models, quantization.value, progress))


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="One model; without it, all.")] = "",
    models: Folder = "",
) -> None:
    """Hash every file again; fails at the first that is missing, foreign, cut short or altered.

    Example: parley models verify embedded:gemma3-270m
    """
    from graph.local import models as cache

    with cache.on_terminal(sys.stderr) as progress:
        for name in cache.verify(model, models, progress):
            typer.echo(f"{name}: whole")


@app.command()
def rm(model: Model, models: Folder = "") -> None:
    """Delete what the cache holds of a model; packages and files of yours stay.

    Example: parley models rm hf:google/flan-t5-large@REVISION
    """
    from graph.local import models as cache

    for folder in cache.remove(model, models):
        typer.echo(folder)
