"""Ctrl-C on the command line: the first one interrupts the command, the next one ends the process.

The next one is left to the operating system, which needs no Python code to run: llama.cpp holds the
interpreter's lock for seconds while it loads a model.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt once; a further one ends the process at once.

    Where Ctrl-C is ignored, as for a shell's background job, it stays so.
    """
    before = _set(_interrupt)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@contextmanager
def ended_at_once() -> Iterator[None]:
    """Ctrl-C ends the process, without any word: for work that Python cannot interrupt."""
    before = _set(signal.SIG_DFL)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def rearm() -> None:
    """An interrupt was dealt with: the next Ctrl-C is a first one again."""
    _set(_interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


def _set(handler: signal._HANDLER) -> signal._HANDLER:
    """The handler that was there before; None where nothing was changed."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, handler)
