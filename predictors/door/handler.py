"""Guards one predictor: checks requests, admits them, bounds their time, and words errors.

The KServe server and the local runner both call predictors through a Handler, so that a request is
answered with the same status and the same words by either. It imports no web framework.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from graph import contract
from graph.asgi import Answer, answer_error, aside, json_answer
from graph.completions.request import AnswerOptions
from graph.contract import Instance
from graph.errors import (
    DeadlineExceeded,
    EngineError,
    NotReady,
    NotServed,
    Overloaded,
    ParleyError,
    RequestError,
)
from graph.turn.limits import Limits
from graph.turn.timeouts import CLOCK_SKEW, DEFAULT
from predictors.door.health import Health, Watched
from predictors.door.reports import report, reporting, texts_of
from predictors.door.watching import NoWatch, Watch, refusing
from predictors.predictor import Degrading, Predictor, Put, Writing, Written
from predictors.scheduling.admission import QUEUE_SECONDS, Admission
from predictors.scheduling.cost import Cost, Costing
from predictors.scheduling.request import (
    Request,
    stamp,
)

T = TypeVar("T")
# What is done for instances that are checked and admitted.
Work = Callable[[list[Instance]], Awaitable[list[Instance]]]
log = logging.getLogger(__name__)
_MORE_TIME = "ask again with less text or a longer `timeout`, up to the detector's --turn_timeout"
# A predictor that can pass a turn on without its work is stopped so many seconds before the end,
# at most a tenth of the time, so that the turn still reaches whoever waits for it.
DEGRADING_SECONDS = 1.0


class Handler:
    """One predictor with at most `max_inflight` requests, each given `request_timeout` seconds.

    max_queue_seconds: a request that would take longer, by what is at work, is refused.
    turn_timeout: seconds for a turn that comes without a deadline.  clock_skew: seconds by which
    `clock`, the time of day, may differ from that of whoever stamped a deadline.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        max_inflight: int = 64,
        max_queue_seconds: float = QUEUE_SECONDS,
        request_timeout: float = DEFAULT.predictor,
        turn_timeout: float = DEFAULT.turn,
        clock_skew: float = CLOCK_SKEW,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.predictor = predictor
        # Looked up once: on every request it would be a tenth of what a refusal costs.
        self._watched = predictor if isinstance(predictor, Watched) else None
        self._costing = predictor if isinstance(predictor, Costing) else None
        self._degrading = predictor if isinstance(predictor, Degrading) else None
        self._writing = predictor if isinstance(predictor, Writing) else None
        self.loaded = False
        self.watch: Watch = NoWatch()
        self.max_inflight = max_inflight
        self._admission = Admission(requests=max_inflight, seconds=max_queue_seconds)
        self._request_timeout = request_timeout
        self._turn_timeout = turn_timeout
        self._clock_skew = clock_skew
        self._clock = clock

    @property
    def name(self) -> str:
        return self.predictor.name

    @property
    def ready(self) -> bool:
        """Whether requests should come: the model is loaded, and its engine works."""
        return self.loaded and self.health.ready

    @property
    def health(self) -> Health:
        return self._watched.health if self._watched else Health()

    @property
    def limits(self) -> Limits:
        return self.predictor.schema.limits

    def load(self) -> None:
        """Blocks until the predictor is ready. Raises what its `load` raises."""
        self.predictor.load()
        self.loaded = True

    def close(self) -> None:
        self.loaded = False
        self.predictor.close()

    async def answer(self, body: bytes) -> Answer:
        """From the bytes of a request to its answer. It raises nothing but cancellation."""
        try:
            return await self.respond(body)
        except ParleyError as err:
            report(err)
            return answer_error(err)

    async def respond(self, body: bytes) -> Answer:
        """The same. Raises ParleyError and no other error."""
        size = len(body)
        with refusing([self.watch]):
            payload = await aside(size, lambda: contract.parse_body(body, self.limits))
        predictions = await self.handle(payload, size)
        return await aside(size, lambda: json_answer(200, predictions))

    @property
    def writes(self) -> bool:
        """Whether it gives answers as they are being written."""
        return self._writing is not None

    async def write(self, payload: Any, options: AnswerOptions, put: Put) -> Written:
        """The answer to the only turn of a parsed request, put part by part.

        It is admitted, bounded and reported as every other request. Raises ParleyError.
        """
        if self._writing is None:
            raise NotServed(f"{self.name}: does not answer chat completions")
        writing = self._writing
        written: list[Written] = []

        async def work(instances: list[Instance]) -> list[Instance]:
            [instance] = instances
            written.append(await writing.write(instance, options, put))
            return [written[-1].prediction]

        await self.handle(payload, work=work)
        return written[-1]

    async def handle(
        self, payload: Any, size: int = 0, work: Work | None = None
    ) -> dict[str, list[Instance]]:
        """`{"predictions": [...]}` for a parsed request of `size` bytes. Raises ParleyError.

        work: what is done in the place of the predictor's own `predict`.
        """
        schema = self.predictor.schema
        named = Request(self.name, tuple(contract.find_request_ids(payload)))
        with reporting(named), refusing([self.watch]):
            instances = await aside(size, lambda: contract.read_instances(payload, schema))
        stamp(instances, self._turn_timeout, self._clock())
        names = tuple(instance[contract.REQUEST_ID] for instance in instances)
        deadline = min(instance[contract.DEADLINE] for instance in instances)
        started = time.perf_counter()
        request = Request(self.name, names, deadline, instances)
        with reporting(request), self.watch.request(request) as watched:
            predict = work or self.predictor.predict
            predictions = await self._predict_or_degrade(instances, deadline, predict)
            watched += predictions
            seconds = round(time.perf_counter() - started, 3)
            told = {"turns": len(names), "seconds": seconds, "texts": texts_of(predictions)}
            log.info("%s: answered", self.name, extra=told)
        return {"predictions": predictions}

    async def _predict_or_degrade(
        self, instances: list[Instance], deadline: float, predict: Work
    ) -> list[Instance]:
        try:
            return await self._admit(instances, deadline, predict)
        except RequestError:
            raise
        except ParleyError as err:
            predictions = self._degrade(instances, err)
            if predictions is None:
                raise
            return predictions

    async def _admit(
        self, instances: list[Instance], deadline: float, predict: Work
    ) -> list[Instance]:
        if not self.ready:
            raise NotReady(f"{self.name}: the model is not ready")
        left = self._left(deadline)
        cost = await aside(_size(instances), lambda: self._cost(instances))
        try:
            place = self._admission.take(cost, left)
        except Overloaded as err:
            raise Overloaded(f"{self.name}: {err}", err.retry_after) from err
        with place:
            return await self._predict(instances, left, predict)

    def _cost(self, instances: list[Instance]) -> float:
        return (self._costing.cost(instances) if self._costing else Cost(len(instances))).size

    def _left(self, deadline: float) -> float:
        """Seconds until nobody waits any more. Raises DeadlineExceeded when that is past."""
        left = deadline + self._clock_skew - self._clock()
        if left <= 0:
            raise DeadlineExceeded(
                f"{self.name}: the turn's deadline had passed {-left:.1f} s before it came here, "
                f"so nothing was begun; {_MORE_TIME}"
            )
        return left

    async def _predict(
        self, instances: list[Instance], left: float, predict: Work
    ) -> list[Instance]:
        # As they came: a predictor may write into them.
        came = [dict(instance) for instance in instances]
        try:
            async with asyncio.timeout(self.seconds_within(left)):
                predictions = await predict(instances)
            return await aside(_size(predictions), lambda: self._checked(predictions, came))
        except TimeoutError as err:
            if left < self._request_timeout:
                words = f"no answer by the turn's deadline; {_MORE_TIME}"
            else:
                words = f"no answer within {self._request_timeout:g} s"
            raise DeadlineExceeded(f"{self.name}: {words}") from err
        except ParleyError:
            raise
        except Exception as err:
            # The last line of defence: the cause belongs in the log, never in an answer.
            raise ParleyError(f"{self.name}: internal error, see the server's log") from err

    def seconds_within(self, left: float) -> float:
        """The time that a prediction may take, where so much is left of the turn's.

        What is granted to another clock does not count for a turn that must still arrive.
        """
        if not self._degrading or not self._degrading.degrades:
            return min(left, self._request_timeout)
        most = min(left - self._clock_skew, self._request_timeout)
        return most - min(DEGRADING_SECONDS, most / 10)

    def _degrade(self, instances: list[Instance], error: ParleyError) -> list[Instance] | None:
        """What the predictor can still give where it failed with `error`; None for nothing."""
        predictions = self._degrading.degrade(instances, error) if self._degrading else None
        if predictions is not None:
            report(error, "passed the request on without its part")
        return predictions

    def _checked(self, predictions: list[Instance], came: Sequence[Instance]) -> list[Instance]:
        """The predictions, where a later step of a graph takes them. Raises EngineError."""
        try:
            contract.check_predictions(predictions, came)
        except RequestError as err:
            raise EngineError(f"{self.name}: the model's text cannot be passed on: {err}") from err
        return predictions


def load_all(handlers: Collection[Handler]) -> None:
    """Load all models, side by side. Raises the first error of any, when all have ended."""
    with ThreadPoolExecutor(max_workers=len(handlers) or 1) as pool:
        for loading in [pool.submit(handler.load) for handler in handlers]:
            loading.result()


def close_all(handlers: Collection[Handler]) -> None:
    for handler in handlers:
        handler.close()


def _size(instances: Sequence[Instance]) -> int:
    """Characters of the texts, near enough."""
    values = [value for instance in instances for value in instance.values()]
    lists = (value for value in values if isinstance(value, list))
    texts = [*values, *itertools.chain.from_iterable(lists)]
    return sum(len(text) for text in texts if isinstance(text, str))
