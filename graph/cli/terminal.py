"""The lines that a person writes: with editing and completion at a terminal, plainly from a pipe.

Both raise EOFError at the end and UnicodeError for a line that is not UTF-8.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO

from graph.cli.interrupts import rearm

Read = Callable[[], str]
LEAVE = "/quit or Ctrl-D leaves"


def line_reader(note: Callable[[str], None], words: Sequence[str]) -> Read:
    """Reads stdin; at a terminal with a prompt, and Tab completes `words`."""
    if not sys.stdin.isatty():
        return lambda: read_line(sys.stdin.buffer)
    import readline

    def complete(text: str, state: int) -> str | None:
        fitting = [word for word in words if word.startswith(readline.get_line_buffer())]
        return fitting[state] if state < len(fitting) else None

    readline.set_completer(complete)
    # A command begins with a slash, which readline takes for the border of a word.
    readline.set_completer_delims("")
    editline = getattr(readline, "backend", "readline") == "editline"
    readline.parse_and_bind("bind ^I rl_complete" if editline else "tab: complete")

    def prompt() -> str:
        rearm()
        try:
            line = input("you> ")
        except KeyboardInterrupt:
            # The terminal shows ^C; what was written stays visible and is forgotten.
            note("" if readline.get_line_buffer() else f"\n{LEAVE}")
            return ""
        line.encode("utf-8")  # where the locale is C, Python lets bytes through that are no text
        return line

    return prompt


def read_line(stream: BinaryIO) -> str:
    """The next line of a pipe."""
    line = stream.readline()
    if not line:
        raise EOFError
    return line.decode("utf-8")
