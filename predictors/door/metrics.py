"""The metrics of predictors: what each request was, how long it took, and what it cost the model.

Counting takes some 10 microseconds a request. Every label has its values from a closed set: a
predictor's own name and languages, and enumerations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from graph import contract
from graph.contract import Instance
from graph.errors import ParleyError
from graph.telemetry.labels import Known, Outcome, Refusal, outcome_of, refusal_of, truth
from graph.turn.degradation import Reason
from predictors.door.handler import Handler
from predictors.predictor import Multilingual
from predictors.scheduling.request import Request
from predictors.scheduling.spent import Spent

# A detector answers in a millisecond, a chat may take all of a turn's 50 seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 50)
_WAITED = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
_ITEMS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_NAME = "predictor"


class PredictorMetrics:
    """Those of all predictors of a process, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"parley_predictor_{name}", text, (_NAME, *labels), registry=registry)

        def histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
            full = f"parley_predictor_{name}"
            return Histogram(full, text, (_NAME, *labels), registry=registry, buckets=buckets)

        self.turns = counter(
            "turns",
            "Turns by language, route, status, and whether this predictor left a part undone.",
            "language",
            "route",
            "status",
            "degraded",
        )
        self.seconds = histogram(
            "request_duration_seconds", "Time from a request to its answer.", _SECONDS, "status"
        )
        self.waited = histogram(
            "queue_seconds", "Time that work waited for the model, once for each call.", _WAITED
        )
        self.batch = histogram(
            "batch_size", "Items that the model worked on together, for each call.", _ITEMS
        )
        self.tokens = counter("tokens", "Tokens that the model read (in) and wrote (out).", "kind")
        self.refused = counter("refused", "Requests that were not answered, by reason.", "reason")
        self.degraded = counter(
            "degraded", "Turns of which this predictor left a part undone, by reason.", "reason"
        )
        self.failures = counter("engine_failures", "Calls of the model that failed by its fault.")
        text = "Requests at work or waiting."
        self.at_work = Gauge("parley_predictor_requests", text, (_NAME,), registry=registry)
        text = "1 while requests should come: the model is loaded, and its engine works."
        self.ready = Gauge("parley_predictor_ready", text, (_NAME,), registry=registry)

    def of(self, handler: Handler) -> PredictorWatch:
        self.ready.labels(handler.name).set_function(lambda: handler.ready)
        return PredictorWatch(self, handler)


class PredictorWatch:
    """Counts the requests of one predictor (see `watching.py`)."""

    def __init__(self, metrics: PredictorMetrics, handler: Handler) -> None:
        name, predictor = handler.name, handler.predictor
        served = predictor.served_languages if isinstance(predictor, Multilingual) else ()
        self._name = name
        self._languages = Known(served)
        self._routes = Known((*served, contract.MIXED))
        self._turns = metrics.turns
        self._seconds = metrics.seconds
        self._waited = metrics.waited.labels(name)
        self._batch = metrics.batch.labels(name)
        self._read, self._written = (metrics.tokens.labels(name, kind) for kind in ("in", "out"))
        # They are all there from the beginning, so that a rate begins at 0.
        self._refused = {reason: metrics.refused.labels(name, reason.value) for reason in Refusal}
        self._degraded = {reason: metrics.degraded.labels(name, reason.value) for reason in Reason}
        self._failures = metrics.failures.labels(name)
        self._at_work = metrics.at_work.labels(name)

    @contextmanager
    def request(self, request: Request) -> Iterator[list[Instance]]:
        predictions: list[Instance] = []
        began = time.perf_counter()
        outcome = Outcome.FAILED
        self._at_work.inc()
        try:
            yield predictions
            outcome = Outcome.OK
        except ParleyError as err:
            outcome = outcome_of(err)
            self.refuse(err)
            raise
        except asyncio.CancelledError:
            outcome = Outcome.GONE
            raise
        finally:
            self._at_work.dec()
            seconds = time.perf_counter() - began
            self._seconds.labels(self._name, outcome.value).observe(seconds)
            self._count(predictions or request.instances, outcome)
            self._spend(request.spent)

    def refuse(self, error: ParleyError) -> None:
        reason = refusal_of(error)
        if reason is not None:
            self._refused[reason].inc()

    def _count(self, turns: Sequence[Instance], outcome: Outcome) -> None:
        for turn in turns:
            language = self._languages.label(turn.get(contract.LANGUAGE))
            route = self._routes.label(turn.get(contract.ROUTE))
            reasons = reasons_of(turn, self._name)
            degraded = truth(bool(reasons))
            self._turns.labels(self._name, language, route, outcome.value, degraded).inc()
            for reason in reasons:
                self._degraded[reason].inc()

    def _spend(self, spent: Spent) -> None:
        for seconds in spent.waited:
            self._waited.observe(seconds)
        for items in spent.batches:
            self._batch.observe(items)
        self._read.inc(sum(spent.read))
        self._written.inc(sum(spent.written))
        self._failures.inc(len(spent.failures))


def reasons_of(turn: Instance, step: str) -> list[Reason]:
    """Why a step did not do its part, or not all of it."""
    entries = turn.get(contract.DEGRADED, ())
    return [Reason(entry["reason"]) for entry in entries if entry["step"] == step]
