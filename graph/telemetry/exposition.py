"""The metrics of a process, as `GET /metrics` answers with them.

Every process has a registry of its own, which is passed to all that count in it. The library's
global registry is not read, so that two servers in one process do not share what they count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from graph.asgi import Answer, Receive, Scope, Send, send_answer

METRICS = "/metrics"


def new_registry() -> CollectorRegistry:
    """With the memory, CPU seconds and open files of the process, and Python's own figures."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@dataclass(frozen=True)
class _WithoutCreated:
    """A registry without the time at which each series began, a series more for each of them."""

    registry: CollectorRegistry

    def collect(self) -> Iterator[Metric]:
        for metric in self.registry.collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


class MetricsApp:
    """The ASGI application behind `GET /metrics`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._collector = _WithoutCreated(registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """In the format that the request accepts: Prometheus' text, or OpenMetrics."""
        accepted = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        encode, content_type = choose_encoder(accepted)
        await send_answer(send, Answer(200, encode(self._collector), content_type))
