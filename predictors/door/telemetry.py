"""Lets the telemetry of a process watch its predictors."""

from __future__ import annotations

from collections.abc import Sequence

from graph.telemetry.telemetry import Telemetry
from predictors.door.handler import Handler
from predictors.door.metrics import PredictorMetrics


def watch_all(handlers: Sequence[Handler], telemetry: Telemetry) -> None:
    """Count what they do from now on."""
    metrics = PredictorMetrics(telemetry.registry)
    for handler in handlers:
        handler.watch = metrics.of(handler)
