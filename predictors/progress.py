"""Progress reporting for long work.

A `Progress` is called with the name of the work, the bytes that are done and the bytes there are in
all; 0 of 0 makes a note without a bar. Rich is imported only when a terminal shows a bar, because
servers have no terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Progress(Protocol):
    """A call costs little, so it may be made often."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def show_nothing(what: str, done: int, total: int) -> None:
    """The `Progress` of servers and tests."""


@contextmanager
def on_terminal(stream: TextIO) -> Iterator[Progress]:
    """Bars on `stream` where that is a terminal and rich is installed, else nothing."""
    if not stream.isatty():
        yield show_nothing
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield show_nothing
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Bars(
        *columns, TimeRemainingColumn(), console=Console(file=stream), transient=True
    ) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done)

        yield show
