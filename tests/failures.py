"""Errors of a predictor, each with the reason that a turn without its part gives for it."""

from graph.errors import DeadlineExceeded, EngineError, NotReady, Overloaded, ParleyError

FAILURES: list[tuple[Exception, str]] = [
    (Overloaded("busy"), "overloaded"),
    (DeadlineExceeded("late"), "deadline"),
    (NotReady("loading"), "not-ready"),
    (EngineError("broken"), "engine"),
    (ParleyError("internal error"), "engine"),
]
