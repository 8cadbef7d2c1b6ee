"""Which requests of a client are tried again, and how often: only those that were never answered.

A turn is tried again where the connection was refused, since nothing was sent, and where a server
says 503 with `Retry-After`, since it refused the turn whole and says when to come back. Everything
else may have been answered: a connection that broke after bytes were sent, a 500, a 504. So it is
never tried again here.

KServe's router lets little of that through: it makes a 500 of a predictor that refuses connections,
and it drops `Retry-After`. So behind a router only the gateway's and the router's own refusals are
tried again; a predictor's 503 comes with its words, and the person decides.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import tenacity
from tenacity.stop import stop_base

from graph.asgi import Answer
from graph.errors import NotReached

# Of a client's requests, one in ten may be tried again; ten may in a row, before that counts. So a
# server that is down is asked by its clients a tenth more often, and not three times as often.
_SHARE = 0.1
_MOST = 10.0
# The pause before the first retry is up to so many seconds, before each later one up to twice the
# one before. It is random, so that clients that were refused together do not come back together.
_PAUSE = 0.25


class _Budget(stop_base):
    """Ends the retries of all of a client's requests together when they become too many."""

    def __init__(self) -> None:
        self._left = _MOST
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A request is made: it pays for a share of a retry."""
        with self._lock:
            self._left = min(_MOST, self._left + _SHARE)

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        """Whether nothing is left; if something is, it pays for one retry."""
        with self._lock:
            if self._left < 1:
                return True
            self._left -= 1
            return False


class Retries:
    """One client's retries: `most` for a request, as far as its budget goes. It may be shared."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._budget = _Budget()

    def answer(self, attempt: Callable[[float], Answer], seconds: float) -> Answer:
        """The answer of `attempt`, which is given what is left of `seconds`.

        Raises what the last attempt raised. No attempt begins after the time, and no pause is
        begun that would end after it.
        """
        end = time.monotonic() + seconds
        trying = tenacity.Retrying(**self._rules(seconds))
        return trying(lambda: attempt(min(seconds, end - time.monotonic())))

    async def answer_async(
        self, attempt: Callable[[float], Awaitable[Answer]], seconds: float
    ) -> Answer:
        """The same in an event loop, which goes on meanwhile."""
        end = time.monotonic() + seconds

        async def next_attempt() -> Answer:
            return await attempt(min(seconds, end - time.monotonic()))

        trying = tenacity.AsyncRetrying(**self._rules(seconds))
        answer: Answer = await trying(next_attempt)
        return answer

    def _rules(self, seconds: float) -> dict[str, Any]:
        """What both ways of waiting are told; a request is made, and earns its share."""
        self._budget.earn()
        return {
            "retry": tenacity.retry_if_exception_type(NotReached)
            | tenacity.retry_if_result(_says_when),
            "wait": _pause,
            "stop": tenacity.stop_any(
                tenacity.stop_after_attempt(self._most + 1),
                tenacity.stop_before_delay(seconds),
                self._budget,
            ),
            "retry_error_callback": _last,
        }


def _says_when(answer: Answer) -> bool:
    return answer.status == 503 and _seconds(answer.retry_after) is not None


def _pause(state: tenacity.RetryCallState) -> float:
    """What the server asks for, and a random time besides."""
    outcome = state.outcome
    answer = None if outcome is None or outcome.failed else outcome.result()
    asked = _seconds(answer.retry_after) if isinstance(answer, Answer) else None
    return (asked or 0.0) + random.uniform(0, _PAUSE * 2 ** (state.attempt_number - 1))


def _seconds(retry_after: str) -> float | None:
    """The seconds of a header `Retry-After`, which is a number or a date; None for what is none."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _last(state: tenacity.RetryCallState) -> Answer:
    assert state.outcome is not None
    answer: Answer = state.outcome.result()
    return answer
