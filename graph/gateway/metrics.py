"""The metrics of a gateway: whole turns, as the people who wait for them see them.

Every label has its values from a closed set: the languages and the models of the graph, and
enumerations. Counting takes some 20 microseconds a turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from graph import contract
from graph.completions.answers import Ending, Usage
from graph.completions.stream import Put
from graph.errors import ParleyError
from graph.gateway.conversation import NAME
from graph.gateway.gateway import Gateway
from graph.gateway.histories import Histories
from graph.gateway.models import Models
from graph.spec.addresses import address_of
from graph.telemetry.labels import OTHER, Known, Outcome, Refusal, outcome_of, refusal_of, truth
from graph.turn.degradation import Reason

# The first words of an embedded model come in a few hundred milliseconds, a turn ends in 50 s.
_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 7.5, 10, 15, 20, 30, 50, 120)
_REASONS = frozenset(Reason)
_STEP_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 50)


class GatewayMetrics:
    """Those of one gateway, in the registry of its process."""

    def __init__(self, registry: CollectorRegistry, histories: Histories) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"parley_gateway_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
            full = f"parley_gateway_{name}"
            return Histogram(full, text, labels, registry=registry, buckets=buckets)

        text = "Time from a request to the end of its answer."
        labels = ("language", "route", "status", "degraded")
        self._turns = histogram("turn_duration_seconds", text, _SECONDS, *labels)
        text = "Time from a request to the first words of its answer."
        self._first = histogram("first_byte_seconds", text, _SECONDS, "language", "stream")
        text = "Time that a step of the graph had a share in a turn, as the turn itself tells."
        self._step_seconds = histogram("step_duration_seconds", text, _STEP_SECONDS, "step")
        text = "Turns that lack something, by the step that left it out and why."
        self._degraded = counter("degraded", text, "step", "reason")
        refused = counter("refused", "Requests that were not answered, by reason.", "reason")
        # They are all there from the beginning, so that a rate begins at 0.
        self._refused = {reason: refused.labels(reason.value) for reason in Refusal}
        text = "Tokens that chats read (in) and wrote (out) for streamed turns."
        tokens = counter("tokens", text, "kind")
        self._read, self._written = tokens.labels("in"), tokens.labels("out")
        text = "Turns that are under way."
        self._under_way = Gauge("parley_gateway_turns", text, registry=registry)
        registry.register(_HistoryCollector(histories))

    def use(self, gateway: Gateway, models: Models) -> None:
        """Take the labels from another graph, or from the first one."""
        self._languages = Known(models.languages)
        self._routes = Known((*models.languages, contract.MIXED))
        self._steps = Known((*_models_of(gateway), NAME))
        for step, reason in product((*self._steps.values, OTHER), Reason):
            self._degraded.labels(step, reason.value)

    @contextmanager
    def turn(self, put: Put, is_stream: bool) -> Iterator[WatchedTurn]:
        """For a block that gives an answer by the turn's `put`, and sets its ending."""
        turn = WatchedTurn(put)
        outcome = Outcome.FAILED
        self._under_way.inc()
        try:
            yield turn
            outcome = Outcome.OK
        except ParleyError as err:
            outcome = outcome_of(err)
            if is_stream and turn.first is not None:
                # It is an event of the stream, and no answer that the application sees.
                self.refuse(err)
            raise
        except asyncio.CancelledError:
            outcome = Outcome.GONE
            raise
        finally:
            self._under_way.dec()
            self._count(turn, outcome, is_stream)

    def refuse(self, error: ParleyError) -> None:
        """A request ended with an error."""
        reason = refusal_of(error)
        if reason is not None:
            self._refused[reason].inc()

    def _count(self, turn: WatchedTurn, outcome: Outcome, is_stream: bool) -> None:
        told = turn.told
        language = self._languages.label(told.get(contract.LANGUAGE))
        route = self._routes.label(told.get(contract.ROUTE))
        lacks = told.get(contract.DEGRADED, ())
        seconds = time.perf_counter() - turn.began
        labels = language, route, outcome.value, truth(bool(lacks))
        self._turns.labels(*labels).observe(seconds)
        if turn.first is not None:
            first = turn.first if is_stream else seconds
            self._first.labels(language, truth(is_stream)).observe(first)
        for step in told.get(contract.STEPS, ()):
            label = self._steps.label(step["name"])
            self._step_seconds.labels(label).observe(step["seconds"])
        for entry in lacks:
            if entry["reason"] in _REASONS:
                self._degraded.labels(self._steps.label(entry["step"]), entry["reason"]).inc()
        if turn.usage is not None:
            self._read.inc(turn.usage.prompt_tokens)
            self._written.inc(turn.usage.completion_tokens)


class WatchedTurn:
    """A turn under way. ending: set when all of its answer was put.

    first: seconds until the first words, None before them.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self.began = time.perf_counter()
        self.first: float | None = None
        self.ending: Ending | None = None

    @property
    def told(self) -> Mapping[str, Any]:
        return self.ending.parley if self.ending else {}

    @property
    def usage(self) -> Usage | None:
        """None where nobody counted, and before the end."""
        return self.ending.usage if self.ending else None

    async def put(self, part: str) -> None:
        if self.first is None:
            self.first = time.perf_counter() - self.began
        await self._put(part)


class _HistoryCollector:
    """What the gateway remembers of conversations, read when it is asked for."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

    def collect(self) -> Iterator[Metric]:
        found = CounterMetricFamily(
            "parley_gateway_history_lookups",
            "Earlier messages of conversations whose English was remembered (hit) or not (miss).",
            labels=["result"],
        )
        found.add_metric(["hit"], self._histories.hits)
        found.add_metric(["miss"], self._histories.misses)
        yield found
        size = self._histories.size
        text = "What is remembered of conversations."
        yield GaugeMetricFamily("parley_gateway_history_bytes", text, size)


def _models_of(gateway: Gateway) -> Iterator[str]:
    """The models that the graph's steps call: what the steps of a turn are named after."""
    for _, _, _, step in gateway.graph.steps():
        address = address_of(step)
        if address is not None:
            yield address.model
