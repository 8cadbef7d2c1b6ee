"""Which trace the work at hand belongs to, as the W3C's `traceparent` names it.

It comes in the header of that name, or in the turn: KServe's router passes no header on. It goes
out in both ways. It needs no OpenTelemetry, so a process without it passes on what it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from graph import contract
from graph.turn.checks import is_traceparent

_HEADER = b"traceparent"
_CURRENT: ContextVar[str] = ContextVar("traceparent of the work at hand", default="")


def current_traceparent() -> str:
    """Empty where the work belongs to no trace."""
    return _CURRENT.get()


def trace_headers() -> dict[str, str]:
    """What a request to another server has among its headers."""
    current = _CURRENT.get()
    return {_HEADER.decode(): current} if current else {}


def trace_fields() -> dict[str, str]:
    """What a turn has among its fields."""
    current = _CURRENT.get()
    return {contract.TRACEPARENT: current} if current else {}


def traceparent_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """That of a request, empty for none or one that is malformed, as the W3C wants it."""
    given = dict(headers).get(_HEADER, b"").decode("latin-1")
    return given if is_traceparent(given) else ""


@contextmanager
def within(traceparent: str) -> Iterator[None]:
    """Let the work of the block belong to this trace, and all that is started in it."""
    token = _CURRENT.set(traceparent)
    try:
        yield
    finally:
        _CURRENT.reset(token)
