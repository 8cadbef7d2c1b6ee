"""`parley`: the command line. Each command parses, calls one function of the library and prints.

Data goes to stdout, everything else to stderr. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from graph.cli.cluster import apply, delete, diff
from graph.cli.doctor import doctor
from graph.cli.exits import FAILED, INTERRUPTED, MEANINGS, exit_code
from graph.cli.graph import app as graph_commands
from graph.cli.init import init
from graph.cli.interrupts import interruptible
from graph.cli.logs import logs
from graph.cli.models import app as model_commands
from graph.cli.output import note
from graph.cli.scaling import pause, resume, scale
from graph.cli.serving import serve
from graph.cli.talking import ask, chat, translate
from graph.cli.watching import open, status, wait
from graph.cli.words import name_to_tell, named, plain_words
from graph.errors import ParleyError, needing

# The commands of one word, in the order of the help.
COMMANDS = (
    *(chat, ask, translate, serve, init),
    *(apply, diff, status, wait, logs, open, scale, pause, resume, delete, doctor),
)

app = typer.Typer(
    help="A multilingual chat served as a KServe inference graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=MEANINGS,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(graph_commands, name="graph")
app.add_typer(model_commands, name="models")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. A ParleyError, and a Ctrl-C, become one line on stderr and an exit code."""
    with interruptible():
        try:
            with needing("local"):
                app(args=argv, prog_name="parley")
        except ParleyError as err:
            note(f"parley: {named(plain_words(err), name_to_tell(err))}")
            return exit_code(err)
        except OSError as err:
            if err.filename is not None:
                raise
            # What has no file's name was written to stdout.
            note(f"parley: cannot write the answer: {err.strerror}")
            return FAILED
        except SystemExit as err:
            if err.code == INTERRUPTED:
                note("\ninterrupted" if sys.stderr.isatty() else "interrupted")
            return err.code if isinstance(err.code, int) else FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
