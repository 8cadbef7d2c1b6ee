"""Lets the telemetry of a process watch its predictors."""

from __future__ import annotations

from collections.abc import Sequence

from graph.telemetry.telemetry import Telemetry
from predictors.door.handler import Handler
from predictors.door.metrics import PredictorMetrics
from predictors.door.spans import SpanWatch


def watch_all(handlers: Sequence[Handler], telemetry: Telemetry) -> None:
    """Count what they do from now on, and make spans of it where that is asked for."""
    metrics = PredictorMetrics(telemetry.registry)
    for handler in handlers:
        counting = metrics.of(handler)
        handler.watch = counting
        if telemetry.tracing.is_on:
            handler.watch = SpanWatch(handler.name, telemetry.tracing, counting)
