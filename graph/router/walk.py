"""`route`: one request through an InferenceGraph, as KServe 0.20's router walks it.

The network is not here: `call` is an argument, so the same walk serves over HTTP
(`graph.router.transport`), in one process (`graph.local`) and in tests. Statuses, bodies, what
each step receives and when the walk stops are KServe's, proven against its own binary in
`tests/conformance`; the few intended differences are listed in `graph/README.md`.

Two kinds of failure are kept apart, as KServe does. A service that *answers* an error is an
answer, and `dependency` decides whether the walk goes on. A call that gives no answer at all is a
`StepError` and ends the walk with 500, whatever `dependency` says.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graph.asgi import Answer
from graph.errors import StepError
from graph.golang.json import DecodeError, decode_object, encode, is_valid
from graph.router.conditions import exists
from graph.router.content_type import detect_content_type
from graph.router.mapping import map_predictions_to_instances
from graph.spec.model import ROOT, Dependency, Graph, Node, RouterType, Step

# Header names and values in the order they came; a name may stand more than once.
Headers = Sequence[tuple[str, str]]

NO_ROUTE = "None of the routes matched with the switch condition"
# A cycle that no condition ends crashes KServe's router; here it ends at this depth.
MAX_DEPTH = 64


# Asks the service of a step (`service_url` or `service_name`); the headers are the client's.
# It raises StepError when no answer comes.
Call = Callable[[Step, bytes, Headers], Awaitable[Answer]]


@dataclass(frozen=True)
class Visit:
    """One step taken, as a watcher sees it: its place, what it received, what it answered.

    `order` counts the steps as they began, `depth` the nodes around; `answer` is None, and
    `error` set, where no answer came. `seconds` passed until then.
    """

    order: int
    depth: int
    node: str
    index: int
    step: Step
    request: bytes
    answer: Answer | None = None
    error: str = ""
    seconds: float = 0.0


Watch = Callable[[Visit], None]


async def route(
    graph: Graph,
    body: bytes,
    headers: Headers | None,
    call: Call,
    *,
    draw: Callable[[], int] = lambda: secrets.randbelow(100),
    watch: Watch | None = None,
) -> Answer:
    """The graph's answer to one request; never raises StepError.

    `draw` gives the number from 0 to 99 by which a Splitter chooses; `watch` is told of each step
    when it ends. Cancelling the walk cancels the calls under way.
    """
    walk = _Walk(graph, headers or (), call, draw, watch, itertools.count())
    try:
        answer = await walk.node(ROOT, body, 0)
    except StepError as err:
        return error_answer(err.status, err.message)
    return replace(answer, content_type=detect_content_type(answer.body))


def error_answer(status: int, cause: str) -> Answer:
    """The router's own answer when the walk fails."""
    pairs = [("error", "Failed to process request"), ("cause", cause)]
    inner = b",".join(encode(name) + b":" + encode(value) for name, value in pairs)
    return Answer(status, b"{" + inner + b"}", "application/json")


@dataclass(frozen=True)
class _Walk:
    graph: Graph
    headers: Headers
    call: Call
    draw: Callable[[], int]
    watch: Watch | None
    orders: Iterator[int]

    async def node(self, name: str, body: bytes, depth: int) -> Answer:
        node = self.graph.nodes.get(name)
        if node is None:
            raise StepError("invalid route type: ")
        if depth > MAX_DEPTH:
            raise StepError(
                f'node "{name}" is nested over {MAX_DEPTH} times: the graph has a cycle'
            )
        kinds = {
            RouterType.SEQUENCE: self._sequence,
            RouterType.SWITCH: self._switch,
            RouterType.SPLITTER: self._splitter,
            RouterType.ENSEMBLE: self._ensemble,
        }
        return await kinds[node.router_type](name, node, body, depth)

    async def _step(self, node: str, index: int, body: bytes, depth: int) -> Answer:
        step = self.graph.nodes[node].steps[index]
        if self.watch is None:
            return await self._ask(step, body, depth)
        visit = Visit(next(self.orders), depth, node, index, step, body)
        started = time.perf_counter()
        try:
            answer = await self._ask(step, body, depth)
        except StepError as err:
            took = time.perf_counter() - started
            self.watch(replace(visit, error=err.message, seconds=took))
            raise
        self.watch(replace(visit, answer=answer, seconds=time.perf_counter() - started))
        return answer

    async def _ask(self, step: Step, body: bytes, depth: int) -> Answer:
        try:
            if step.node_name:
                return await self.node(step.node_name, body, depth + 1)
            return await self.call(step, body, self.headers)
        except StepError as err:
            raise StepError(err.message) from err  # 404 is for a root Switch alone

    async def _switch(self, name: str, node: Node, body: bytes, depth: int) -> Answer:
        if is_valid(body):
            for index, step in enumerate(node.steps):
                if exists(body, step.condition):
                    return await self._step(name, index, body, depth)
        raise StepError(NO_ROUTE, status=404)

    async def _splitter(self, name: str, node: Node, body: bytes, depth: int) -> Answer:
        index = choose_by_weight([step.weight or 0 for step in node.steps], self.draw())
        if index is None:
            raise StepError("no route was selected by the splitter")
        return await self._step(name, index, body, depth)

    async def _sequence(self, name: str, node: Node, body: bytes, depth: int) -> Answer:
        answer = Answer(0)
        for index, step in enumerate(node.steps):
            request = answer.body if step.data == "$response" and index > 0 else body
            if step.map_predictions_to_instances:
                request = map_predictions_to_instances(request)
            if step.condition:
                if not is_valid(answer.body):
                    raise StepError("invalid response")
                if not exists(answer.body, step.condition):
                    return replace(answer, status=200, retry_after="")
            answer = await self._step(name, index, request, depth)
            if step.dependency is Dependency.HARD and not is_success(answer):
                return answer
        return answer

    async def _ensemble(self, name: str, node: Node, body: bytes, depth: int) -> Answer:
        """Merges the answers of all steps; the first error, or hard failure in step order, ends it.

        The branches still under way are then cancelled and awaited.
        """
        branches = [
            asyncio.ensure_future(self._branch(name, index, body, depth))
            for index in range(len(node.steps))
        ]
        try:
            return await self._merge(node.steps, branches)
        finally:
            for branch in branches:
                branch.cancel()
            await asyncio.gather(*branches, return_exceptions=True)

    async def _branch(self, name: str, index: int, body: bytes, depth: int) -> tuple[Answer, Any]:
        answer = await self._step(name, index, body, depth)
        try:
            return answer, decode_object(answer.body)
        except DecodeError as err:
            step = self.graph.nodes[name].steps[index].name or str(index)
            raise StepError(f"step {step} of an Ensemble must answer an object: {err}") from err

    async def _merge(
        self, steps: Sequence[Step], branches: Sequence[asyncio.Future[tuple[Answer, Any]]]
    ) -> Answer:
        merged: dict[str, Any] = {}
        for index, (step, branch) in enumerate(zip(steps, branches, strict=True)):
            answer, value = await _first_of(branch, branches)
            if step.dependency is Dependency.HARD and not is_success(answer):
                return Answer(answer.status, encode(value))
            merged[step.name or str(index)] = value
        return Answer(200, encode(merged))


async def _first_of(
    wanted: asyncio.Future[tuple[Answer, Any]],
    branches: Iterable[asyncio.Future[tuple[Answer, Any]]],
) -> tuple[Answer, Any]:
    """The result of `wanted`, or the error of whichever branch fails before it ends."""
    pending = set(branches)
    while True:
        for branch in pending:
            if branch.done() and branch.exception() is not None:
                branch.result()
        if wanted.done():
            return wanted.result()
        pending = {branch for branch in pending if not branch.done()}
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)


def is_success(answer: Answer) -> bool:
    return 200 <= answer.status <= 299


def choose_by_weight(weights: Sequence[int], point: int) -> int | None:
    """The index of the first weight whose running sum is over `point` (0 to 99)."""
    end = 0
    for index, weight in enumerate(weights):
        end += weight
        if point < end:
            return index
    return None
