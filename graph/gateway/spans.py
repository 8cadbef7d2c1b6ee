"""The span of a whole turn at the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graph import contract
from graph.completions.request import ChatRequest
from graph.gateway.metrics import WatchedTurn
from graph.telemetry.tracing import Tracing

_NAME = "gateway turn"


@contextmanager
def turn_span(
    tracing: Tracing, request: ChatRequest, request_id: str, turn: WatchedTurn
) -> Iterator[None]:
    """For the block in which the answer is given. All that is asked for it belongs to the span."""
    with tracing.span(_NAME) as span:
        span.note(model=request.model, request_id=request_id, is_stream=request.stream)
        try:
            yield
        finally:
            told = turn.told
            reasons = [entry["reason"] for entry in told.get(contract.DEGRADED, ())]
            span.note(
                language=told.get(contract.LANGUAGE),
                route=told.get(contract.ROUTE),
                degraded=list(dict.fromkeys(reasons)) or None,
                first_byte_seconds=turn.first,
            )
            if turn.usage is not None:
                span.note(
                    read_tokens=turn.usage.prompt_tokens,
                    written_tokens=turn.usage.completion_tokens,
                )
