"""A span for each request to a predictor, in the trace that its turns belong to.

A turn that belongs to none begins one here, and carries it from then on: that is the first
predictor of a graph behind a door that makes no spans, such as KServe's router.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graph import contract
from graph.contract import Instance
from graph.errors import ParleyError
from graph.telemetry.trace_context import current_traceparent, within
from graph.telemetry.tracing import Span, Tracing
from predictors.door.metrics import reasons_of
from predictors.door.watching import Watch
from predictors.scheduling.request import Request
from predictors.scheduling.spent import Spent


class SpanWatch:
    """Makes the spans of one predictor, and passes everything on to `watch`."""

    def __init__(self, name: str, tracing: Tracing, watch: Watch) -> None:
        self._name = name
        self._tracing = tracing
        self._watch = watch

    @contextmanager
    def request(self, request: Request) -> Iterator[list[Instance]]:
        parent, *others = _traces_of(request.instances)
        with within(parent), self._tracing.span(self._name, others) as span:
            for turn in request.instances:
                turn.setdefault(contract.TRACEPARENT, parent or span.traceparent)
            predictions: list[Instance] = []
            try:
                with self._watch.request(request) as predictions:
                    yield predictions
            finally:
                span.note(request_id=request.request_id, turns=len(request.instances))
                _note_spent(span, request.spent)
                _note_turns(span, predictions or request.instances, self._name)

    def refuse(self, error: ParleyError) -> None:
        self._watch.refuse(error)


def _traces_of(turns: Sequence[Instance]) -> list[str]:
    """Those of the turns, each once, or that of the request itself, which may be empty."""
    given = [str(turn[contract.TRACEPARENT]) for turn in turns if contract.TRACEPARENT in turn]
    return list(dict.fromkeys(given)) or [current_traceparent()]


def _note_spent(span: Span, spent: Spent) -> None:
    if spent.waited:
        span.note(queue_seconds=round(max(spent.waited), 6))
    if spent.read:
        span.note(read_tokens=sum(spent.read), written_tokens=sum(spent.written))


def _note_turns(span: Span, turns: Sequence[Instance], name: str) -> None:
    languages = {str(turn[contract.LANGUAGE]) for turn in turns if contract.LANGUAGE in turn}
    if languages:
        span.note(language=languages.pop() if len(languages) == 1 else contract.MIXED)
    reasons = dict.fromkeys(reason.value for turn in turns for reason in reasons_of(turn, name))
    span.note(
        route=_first(turns, contract.ROUTE),
        model=_model_of(turns, name),
        degraded=list(reasons) or None,
    )


def _first(turns: Sequence[Instance], field: str) -> Any:
    return next((turn[field] for turn in turns if field in turn), None)


def _model_of(turns: Sequence[Instance], name: str) -> str | None:
    """The model that the predictor's own step of a turn names."""
    steps = (step for turn in turns for step in reversed(turn.get(contract.STEPS, ())))
    return next((str(step["model"]) for step in steps if step["name"] == name), None)
