"""How long work tells that it goes on.

A `Progress` is called with what is done, how much of it is done, and how much there is in all, in
bytes; 0 of 0 is a note. Rich is imported only when a terminal shows a bar: servers have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Progress(Protocol):
    """May be called often; cheap."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def show_nothing(what: str, done: int, total: int) -> None:
    """For servers and tests."""


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
