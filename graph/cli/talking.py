"""`parley chat`, `ask` and `translate`: a message to a graph, and its answer.

The graph is elsewhere, or in this process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from graph import contract
from graph.cli import completion
from graph.cli.connecting import Server, open_client, reaching
from graph.cli.exits import FAILED
from graph.cli.output import Output, note, say, say_json
from graph.cli.serving import File
from graph.cli.words import lacking
from graph.errors import SpecError
from graph.turn.limits import PUBLIC_LIMITS

Language = Annotated[
    str | None,
    typer.Option(
        help="Your language, such as fr; without it, it is detected.",
        autocompletion=completion.languages,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        help="Seconds that an answer may take; without it, as long as the server gives it.",
        min=0.001,
        max=PUBLIC_LIMITS.timeout,
    ),
]


@reaching
def chat(
    server: Server,
    file: File = "",
    language: Language = None,
    timeout: Timeout = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json prints a JSON object for each message.")
    ] = Output.TEXT,
) -> None:
    """A conversation in the terminal; /help lists what you can do in it.

    A pipe works too: each line of stdin is a message. An answer may have several lines; with
    -o json each one is a JSON object on a line of its own: the turn as the graph returned it, or
    an object with the key "error".

    Example: parley chat --language fr
    """
    from graph.cli.session import COMMANDS, Session
    from graph.cli.terminal import LEAVE, line_reader

    interactive = sys.stdin.isatty()
    with open_client(server, file) as (client, languages):
        session = Session(
            client.conversation(language, timeout),
            out=say,
            notes=note,
            languages=languages,
            interactive=interactive,
            as_json=output is Output.JSON,
        )
        if interactive:
            note(f"Write in your language. /help lists the commands, {LEAVE}.")
        answered = session.run(line_reader(note, list(COMMANDS)))
    if not answered and not interactive:
        raise typer.Exit(FAILED)


@reaching
def ask(
    server: Server,
    text: Annotated[str, typer.Argument(help="The message; - reads it from stdin.")],
    file: Annotated[
        str, typer.Option("--file", "-f", help="YAML of the graph, or a kustomize folder.")
    ] = "",
    language: Language = None,
    timeout: Timeout = None,
    history: Annotated[
        Path | None, typer.Option(help="JSON list of texts: the English conversation so far.")
    ] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json prints the prediction as it came.")
    ] = Output.TEXT,
) -> None:
    """One message, one answer.

    Example: parley ask "Bonjour, ça va ?" --timeout 20
    """
    message = sys.stdin.read() if text == "-" else text
    with open_client(server, file) as (client, _):
        reply = client.turn(message, _read_history(history), language=language, timeout=timeout)
    _show(reply.prediction, output)


@reaching
def translate(
    server: Server,
    text: Annotated[str, typer.Argument(help="The text; - reads it from stdin.")],
    to: Annotated[
        str | None,
        typer.Option(
            help="The wanted language; without it, the other one.",
            autocompletion=completion.languages,
        ),
    ] = None,
    file: Annotated[
        str,
        typer.Option(
            "--file",
            "-f",
            help="YAML of the graph, or a kustomize folder.",
            show_default="English and Italian",
        ),
    ] = "",
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json prints the prediction as it came.")
    ] = Output.TEXT,
) -> None:
    """One text in the other language, by the translator application.

    Example: parley translate "Good morning" --to it
    """
    from graph.cli.translation import translate as ask_translator

    if not server.is_elsewhere and not file:
        from graph.local.build import TRANSLATOR_FILE

        file = str(TRANSLATOR_FILE)
    with open_client(server, file) as (client, _):
        prediction = ask_translator(client, sys.stdin.read() if text == "-" else text, to)
    _show(prediction, output)


def _read_history(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise SpecError(f"--history {path}: {err}") from err
    if not isinstance(history, list) or not all(isinstance(text, str) for text in history):
        raise SpecError(f"--history {path}: must be a JSON list of texts")
    return history


def _show(prediction: Mapping[str, Any], output: Output) -> None:
    """The one answer, and what it lacks; exit code 1 where there is none."""
    response = prediction[contract.RESPONSE]
    if output is Output.JSON:
        say_json(prediction)
    elif response:
        say(response)
    for line in lacking(prediction):
        note(f"parley: {line}")
    if not response:
        raise typer.Exit(FAILED)
