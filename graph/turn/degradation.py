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
    Reason.OVERLOADED: "{step} had too much work to take this on.",
    Reason.DEADLINE: "There was no time left for {step}.",
    Reason.NOT_READY: "The model of {step} was not ready.",
    Reason.ENGINE: "The model of {step} failed.",
    Reason.QUALITY: "The model of {step} gave a poor text or none, twice.",
    Reason.NO_ANSWER: "The model of {step} gave no answer, twice.",
    Reason.HISTORY_CUT: "The conversation is too long for {step}, which left out the oldest turns.",
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


def explain(step: str, reason: str) -> str:
    """A sentence for a person. A newer server may know further reasons."""
    if reason not in list(Reason):
        return f"{step} did not do its part: {reason}."
    return _SENTENCES[Reason(reason)].format(step=step)
