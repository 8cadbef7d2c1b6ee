"""Label values of metrics: each from a closed set, so that no request can make a new series."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from graph.errors import NotReady, ParleyError

# What is not of the set, and what was never found out.
OTHER = "other"
UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a request ended: the class of its status, or its client left before."""

    OK = "2xx"
    REFUSED = "4xx"
    FAILED = "5xx"
    GONE = "gone"


class Refusal(StrEnum):
    """Why a request was not answered although nothing was broken."""

    BAD_REQUEST = "bad-request"
    KEY = "key"
    NOT_SERVED = "not-served"
    TOO_LARGE = "too-large"
    OVERLOADED = "overloaded"
    NOT_READY = "not-ready"
    DEADLINE = "deadline"


_BY_STATUS = {
    400: Refusal.BAD_REQUEST,
    401: Refusal.KEY,
    404: Refusal.NOT_SERVED,
    413: Refusal.TOO_LARGE,
    503: Refusal.OVERLOADED,
    504: Refusal.DEADLINE,
}


def outcome_of(error: ParleyError) -> Outcome:
    return Outcome.REFUSED if 400 <= error.status < 500 else Outcome.FAILED


def refusal_of(error: ParleyError) -> Refusal | None:
    """None for what is a failure. An error of a step of a graph is known by its status alone."""
    return Refusal.NOT_READY if isinstance(error, NotReady) else _BY_STATUS.get(error.status)


class Known:
    """A closed set of values for a label."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = frozenset(values)

    def label(self, value: object) -> str:
        """The value itself where it is known, `unknown` for none, `other` for every other one."""
        if not value:
            return UNKNOWN
        return value if isinstance(value, str) and value in self.values else OTHER


def truth(value: bool) -> str:
    """A boolean as a label has it."""
    return "true" if value else "false"
