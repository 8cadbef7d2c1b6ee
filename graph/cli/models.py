"""`parley models`: what weights are here, where they come from, and whether they are whole.

It parses, calls one function of `predictors.models` and prints. That package is imported by name
and when a command runs: the graph's own code does not depend on predictors.
"""

from __future__ import annotations

import importlib
import sys
from enum import StrEnum
from typing import Annotated, Any

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
    """The models that are here, with their licences, and the folder of the cache."""
    cache, entries = _module("store").list_models(models)
    width = max(len(entry.model) for entry in entries)
    for entry in entries:
        note = entry.licence or entry.path
        size = f"{entry.size / 1e6:.0f} MB"
        typer.echo(f"{entry.model:{width}}  {entry.state:13}  {size:>8}  {note}")
    typer.echo(f"model cache: {cache}", err=True)


@app.command()
def pull(model: Several, models: Folder = "") -> None:
    """Fetch checkpoints from a model hub; goes on where an interrupted pull stopped."""
    with _progress() as progress:
        for name in model:
            typer.echo(_module("pull").pull(name, models, progress))


@app.command()
def convert(
    model: Several,
    models: Folder = "",
    quantization: Annotated[
        Quantization, typer.Option(help="int8 for CPUs, float16 for GPUs.")
    ] = Quantization.INT8,
) -> None:
    """Make checkpoints fast to serve: once, for the same files and settings."""
    with _progress() as progress:
        for name in model:
            typer.echo(
                _module("convert", "conversion").convert(name, models, quantization.value, progress)
            )


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="One model; without it, all.")] = "",
    models: Folder = "",
) -> None:
    """Hash every file again; fails at the first that is missing, foreign, cut short or altered."""
    with _progress() as progress:
        for name in _module("store").verify(model, models, progress):
            typer.echo(f"{name}: whole")


@app.command()
def rm(model: Model, models: Folder = "") -> None:
    """Delete what the cache holds of a model; packages and files of yours stay."""
    for folder in _module("store").remove(model, models):
        typer.echo(folder)


def _module(name: str, package: str = "models") -> Any:
    return importlib.import_module(f"predictors.{package}.{name}")


def _progress() -> Any:
    return importlib.import_module("predictors.progress").on_terminal(sys.stderr)
