"""`parley`: the command line. Each command parses, calls one function of the library and prints.

Data goes to stdout, everything else to stderr. Exit codes: 0 ok, 1 failed, 2 wrong usage or file,
3 not ready. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from graph import contract
from graph.calling.retries import RETRIES
from graph.cli.graph import app as graph_commands
from graph.cli.interrupts import ended_at_once, interruptible
from graph.cli.models import app as model_commands
from graph.cli.words import lacking, name_to_tell, named, plain_words
from graph.client import ChatClient
from graph.errors import NotInstalled, NotReady, ParleyError, SpecError, needing
from graph.turn.limits import PUBLIC_LIMITS

FAILED, USAGE, NOT_READY, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(
    help="A multilingual chat served as a KServe inference graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 ok, 1 failed, 2 wrong usage or file, 3 not ready.",
)
app.add_typer(graph_commands, name="graph")
app.add_typer(model_commands, name="models")


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


File = Annotated[
    str,
    typer.Argument(
        help="YAML of the graph and its services, or a kustomize folder; - reads stdin.",
        show_default="the embedded models",
    ),
]
Url = Annotated[
    str, typer.Option(help="Talk to the graph at this URL instead.", envvar="PARLEY_URL")
]
Language = Annotated[
    str | None, typer.Option(help="Your language, such as fr; without it, it is detected.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        help="Seconds that an answer may take; without it, as long as the server gives it.",
        min=0.001,
        max=PUBLIC_LIMITS.timeout,
    ),
]
RetryCount = Annotated[
    int,
    typer.Option(
        "--retries",
        help="How often a message is sent again that the server refused whole; 0 for never.",
        min=0,
    ),
]


@app.command()
def chat(
    file: File = "",
    url: Url = "",
    language: Language = None,
    timeout: Timeout = None,
    retries: RetryCount = RETRIES,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json prints a JSON object for each message.")
    ] = Output.TEXT,
) -> None:
    """A conversation in the terminal; /help lists what you can do in it.

    A pipe works too: each line of stdin is a message. An answer may have several lines; with
    -o json each one is a JSON object on a line of its own: the turn as the graph returned it, or
    an object with the key "error".
    """
    from graph.cli.session import COMMANDS, Session
    from graph.cli.terminal import LEAVE, line_reader

    interactive = sys.stdin.isatty()
    with _client(file, url, retries) as (client, languages):
        session = Session(
            client.conversation(language, timeout),
            out=_print,
            notes=_note,
            languages=languages,
            interactive=interactive,
            as_json=output is Output.JSON,
        )
        if interactive:
            _note(f"Write in your language. /help lists the commands, {LEAVE}.")
        answered = session.run(line_reader(_note, list(COMMANDS)))
    if not answered and not interactive:
        raise typer.Exit(FAILED)


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="The message; - reads it from stdin.")],
    file: Annotated[
        str, typer.Option("--file", "-f", help="YAML of the graph, or a kustomize folder.")
    ] = "",
    url: Url = "",
    language: Language = None,
    timeout: Timeout = None,
    retries: RetryCount = RETRIES,
    history: Annotated[
        Path | None, typer.Option(help="JSON list of texts: the English conversation so far.")
    ] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json prints the prediction as it came.")
    ] = Output.TEXT,
) -> None:
    """One message, one answer."""
    message = sys.stdin.read() if text == "-" else text
    with _client(file, url, retries) as (client, _):
        reply = client.turn(message, _read_history(history), language=language, timeout=timeout)
    _show(reply.prediction, output)


@app.command()
def translate(
    text: Annotated[str, typer.Argument(help="The text; - reads it from stdin.")],
    to: Annotated[
        str | None, typer.Option(help="The wanted language; without it, the other one.")
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
    url: Url = "",
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json prints the prediction as it came.")
    ] = Output.TEXT,
) -> None:
    """One text in the other language, by the translator application."""
    from graph.cli.translation import translate as ask_translator

    if not url and not file:
        from graph.local.build import TRANSLATOR_FILE

        file = str(TRANSLATOR_FILE)
    with _client(file, url) as (client, _):
        prediction = ask_translator(client, sys.stdin.read() if text == "-" else text, to)
    _show(prediction, output)


@app.command()
def serve(
    file: File = "",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    graph: Annotated[
        str | None, typer.Option(help="Name of the graph, where the file has several.")
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Web origin, such as http://localhost:3000, whose pages may call this server from "
            "a browser; * means all; may be repeated.",
        ),
    ] = None,
    openapi: Annotated[
        bool, typer.Option("--openapi", help="Describe the graph's HTTP API at /openapi.json.")
    ] = False,
) -> None:
    """Serve the graph as KServe's router does, and each predictor at /v1/models/NAME:predict."""
    from graph.local import build as local
    from graph.local.models import on_terminal
    from graph.local.serve import read_origins, serve_local

    origins = read_origins(cors or [])
    # There is nothing to drain before it serves: Ctrl-C ends the process at once and silently.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with on_terminal(sys.stderr) as progress:
        built = local.build(local.read_file(file), file or local.DEFAULT_FILE.name, graph, progress)
    serve_local(built, host, port, _note, origins, openapi)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. A ParleyError, and a Ctrl-C, become one line on stderr and an exit code."""
    with interruptible():
        try:
            with needing("local"):
                app(args=argv, prog_name="parley")
        except ParleyError as err:
            _note(f"parley: {named(plain_words(err), name_to_tell(err))}")
            return _exit_code(err)
        except OSError as err:
            if err.filename is not None:
                raise
            # What has no file's name was written to stdout.
            _note(f"parley: cannot write the answer: {err.strerror}")
            return FAILED
        except SystemExit as err:
            if err.code == INTERRUPTED:
                _note("\ninterrupted" if sys.stderr.isatty() else "interrupted")
            return err.code if isinstance(err.code, int) else FAILED
    return 0


@contextmanager
def _client(
    file: str, url: str, retries: int = RETRIES
) -> Iterator[tuple[ChatClient, Sequence[str]]]:
    """A client and the languages that are served, where that is known.

    The graph is at a URL, or in this process with its models named and loaded.
    """
    if url:
        if file:
            raise typer.BadParameter("give a file or --url, not both")
        with ChatClient(url, retries=retries) as client:
            yield client, ()
        return
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
        _note(line)
    transport = LocalTransport(built)
    with ChatClient(transport=transport) as client:
        yield client, transport.languages


def _read_history(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise SpecError(f"--history {path}: {err}") from err
    if not isinstance(history, list) or not all(isinstance(text, str) for text in history):
        raise SpecError(f"--history {path}: must be a JSON list of texts")
    return history


def _exit_code(err: ParleyError) -> int:
    if isinstance(err, SpecError | NotInstalled):
        return USAGE
    if isinstance(err, NotReady) or err.status == 503:
        return NOT_READY
    return FAILED


def _show(prediction: Mapping[str, Any], output: Output) -> None:
    """The one answer, and what it lacks; exit code 1 where there is none."""
    response = prediction[contract.RESPONSE]
    if output is Output.JSON:
        _print(json.dumps(prediction, ensure_ascii=False, indent=2))
    elif response:
        _print(response)
    for line in lacking(prediction):
        _note(f"parley: {line}")
    if not response:
        raise typer.Exit(FAILED)


def _print(text: str) -> None:
    """To stdout at once: who reads a pipe may wait for it before the next message."""
    print(text, flush=True)


def _note(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
