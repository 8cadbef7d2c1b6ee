"""The telemetry of one process, made where it starts and passed to all that it serves."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from graph.telemetry.exposition import new_registry
from graph.telemetry.tracing import Tracing


@dataclass(frozen=True)
class Telemetry:
    """registry: what counts for the whole process, and is answered at `/metrics`.

    tracing: what makes its spans, by default nothing.
    """

    registry: CollectorRegistry = field(default_factory=new_registry)
    tracing: Tracing = field(default_factory=Tracing)
