"""Label values come from closed sets."""

from __future__ import annotations

import pytest

from graph.errors import (
    DeadlineExceeded,
    EngineError,
    KeyRefused,
    NotReached,
    NotReady,
    NotServed,
    Overloaded,
    ParleyError,
    RequestError,
    StepError,
    TooLarge,
)
from graph.telemetry.labels import Known, Outcome, Refusal, outcome_of, refusal_of

ERRORS: list[tuple[ParleyError, Refusal | None, Outcome]] = [
    (RequestError("body", "empty"), Refusal.BAD_REQUEST, Outcome.REFUSED),
    (TooLarge("body", "long"), Refusal.TOO_LARGE, Outcome.REFUSED),
    (KeyRefused("no key"), Refusal.KEY, Outcome.REFUSED),
    (NotServed("x"), Refusal.NOT_SERVED, Outcome.REFUSED),
    (Overloaded("full"), Refusal.OVERLOADED, Outcome.FAILED),
    (NotReady("loading"), Refusal.NOT_READY, Outcome.FAILED),
    (NotReached("gone"), Refusal.NOT_READY, Outcome.FAILED),
    (DeadlineExceeded("late"), Refusal.DEADLINE, Outcome.FAILED),
    (StepError("a step refused it", 413), Refusal.TOO_LARGE, Outcome.REFUSED),
    (StepError("a step failed", 502), None, Outcome.FAILED),
    (EngineError("broken"), None, Outcome.FAILED),
]


@pytest.mark.parametrize(("error", "refusal", "outcome"), ERRORS)
def test_an_error_is_a_refusal_or_a_failure(
    error: ParleyError, refusal: Refusal | None, outcome: Outcome
) -> None:
    assert (refusal_of(error), outcome_of(error)) == (refusal, outcome)


def test_a_value_that_is_not_of_the_set_is_other() -> None:
    known = Known(("en", "fr"))
    values: tuple[object, ...] = ("fr", "xx", "fr\n", ["fr"], {}, None, "", 7)
    labels = ["fr", "other", "other", "other", "unknown", "unknown", "unknown", "other"]
    assert [known.label(value) for value in values] == labels
