"""Every command of `parley`, and the command lines that texts give."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import typer

from graph.cli.main import app

PARLEY = typer.main.get_command(app)
assert isinstance(PARLEY, typer.core.TyperGroup)


def walk(
    group: typer.core.TyperGroup = PARLEY, name: str = "parley"
) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command that does something, by all of its words."""
    for word, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from walk(command, f"{name} {word}")
        else:
            assert isinstance(command, typer.core.TyperCommand)
            yield f"{name} {word}", command


COMMANDS = dict(walk())


def options(name: str) -> set[str]:
    """The options of a command, `--help` among them, and of `parley` itself."""
    command = COMMANDS.get(name, PARLEY)
    return {
        option
        for parameter in command.get_params(typer.Context(command))
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    }


def named(words: list[str]) -> str | None:
    """The command that a command line begins with; None where it is not one of these."""
    return next((name for name in COMMANDS if words[: len(name.split())] == name.split()), None)


def parse(line: str) -> None:
    """Read a command line as the command does, and run nothing. Raises click's UsageError."""
    words = shlex.split(line, comments=True)
    name = named(words)
    assert name is not None, f"{line}: no such command"
    COMMANDS[name].make_context(name, words[len(name.split()) :])
