"""What a turn lacks, and why: the closed set of reasons of the field `degraded`.

A step that cannot do its part says so in the turn and passes the turn on; an error's text never
takes the place of an answer. Who reads a turn has a plain sentence for each reason here.
"""

from __future__ import annotations

from enum import StrEnum

from graph.errors import DeadlineExceeded, NotReady, Overloaded, ParleyError


class Reason(StrEnum):
    """Why a step did not do its part, or not all of it."""

    OVERLOADED = "overloaded"
    DEADLINE = "deadline"
    NOT_READY = "not-ready"
    ENGINE = "engine"
    QUALITY = "quality"
    NO_ANSWER = "no-answer"
    HISTORY_CUT = "history-cut"


_SENTENCES = {
    Reason.OVERLOADED: "It had too much work to take this on.",
    Reason.DEADLINE: "There was no time left for it.",
    Reason.NOT_READY: "Its model was not ready.",
    Reason.ENGINE: "Its model failed.",
    Reason.QUALITY: "Its model gave a poor text or none, twice.",
    Reason.NO_ANSWER: "Its model gave no answer, twice.",
    Reason.HISTORY_CUT: "The oldest turns of the conversation did not fit and were left out.",
}


def reason_of(error: ParleyError) -> Reason:
    """The reason for which a step that fails with this error did not do its part."""
    match error:
        case Overloaded():
            return Reason.OVERLOADED
        case DeadlineExceeded():
            return Reason.DEADLINE
        case NotReady():
            return Reason.NOT_READY
        case _:
            return Reason.ENGINE


def explain(reason: str) -> str:
    """A sentence about the step, for a person. A newer server may know further reasons."""
    return _SENTENCES[Reason(reason)] if reason in list(Reason) else f"The reason is {reason}."
