"""Guards one predictor: checks requests, bounds queue and time, and words errors.

The KServe server and the local runner both call predictors through a Handler, so that a request is
answered with the same status and the same words by either. It imports no web framework.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graph import contract
from graph.asgi import Answer, answer_error, json_answer
from graph.contract import Instance
from graph.errors import (
    DeadlineExceeded,
    EngineError,
    NotReady,
    Overloaded,
    ParleyError,
    RequestError,
)
from graph.limits import Limits
from predictors.predictor import Degrading, Predictor
from predictors.request import Request, working_for

log = logging.getLogger(__name__)

# A predictor that can pass a turn on without its work is stopped so many seconds before the end,
# at most a tenth of the time, so that the turn still reaches whoever waits for it.
DEGRADING_SECONDS = 1.0


class Handler:
    """One predictor with at most `max_inflight` requests, each given `request_timeout` seconds."""

    def __init__(
        self, predictor: Predictor, *, max_inflight: int = 64, request_timeout: float = 55.0
    ) -> None:
        self.predictor = predictor
        self.ready = False
        self._max_inflight = max_inflight
        self._request_timeout = request_timeout
        self._inflight = 0

    @property
    def name(self) -> str:
        return self.predictor.name

    @property
    def limits(self) -> Limits:
        return self.predictor.schema.limits

    def load(self) -> None:
        """Blocks until the predictor is ready. Raises what its `load` raises."""
        self.predictor.load()
        self.ready = True

    def close(self) -> None:
        self.ready = False
        self.predictor.close()

    async def answer(self, body: bytes) -> Answer:
        """From the bytes of a request to its answer. It raises nothing but cancellation."""
        try:
            return json_answer(200, await self.handle(contract.parse_body(body, self.limits)))
        except ParleyError as err:
            return answer_error(err)

    async def handle(self, payload: Any) -> dict[str, list[Instance]]:
        """`{"predictions": [...]}` for a parsed request. Raises ParleyError and no other error."""
        instances = contract.read_instances(payload, self.predictor.schema)
        try:
            return {"predictions": await self._admit(instances)}
        except RequestError:
            raise
        except ParleyError as err:
            predictions = self._degrade(instances, err)
            if predictions is None:
                raise
            return {"predictions": predictions}

    async def _admit(self, instances: list[Instance]) -> list[Instance]:
        if not self.ready:
            raise NotReady(f"{self.name}: the model is not ready")
        if self._inflight >= self._max_inflight:
            raise Overloaded(f"{self.name}: {self._inflight} requests are at work, try again")
        self._inflight += 1
        try:
            return await self._predict(instances)
        finally:
            self._inflight -= 1

    async def _predict(self, instances: list[Instance]) -> list[Instance]:
        try:
            with working_for(Request(self.name)):
                async with asyncio.timeout(self.seconds):
                    predictions = await self.predictor.predict(instances)
            return self._checked(predictions)
        except TimeoutError as err:
            seconds = f"{self._request_timeout:g} s"
            raise DeadlineExceeded(f"{self.name}: no answer within {seconds}") from err
        except ParleyError as err:
            if err.__cause__ is not None:
                log.warning("%s: %s", self.name, err, exc_info=err.__cause__)
            raise
        except Exception as err:
            # The last line of defence: the cause belongs in the log, never in an answer.
            log.exception("%s: unexpected error", self.name)
            raise ParleyError(f"{self.name}: internal error, see the server's log") from err

    @property
    def seconds(self) -> float:
        """The time that a prediction may take."""
        most = self._request_timeout
        if isinstance(self.predictor, Degrading):
            most -= min(DEGRADING_SECONDS, most / 10)
        return most

    def _degrade(self, instances: list[Instance], error: ParleyError) -> list[Instance] | None:
        """What the predictor can still give where it failed with `error`; None for nothing."""
        if not isinstance(self.predictor, Degrading):
            return None
        predictions = self.predictor.degrade(instances, error)
        if predictions is not None:
            log.warning("%s: passed the request on without its part: %s", self.name, error)
        return predictions

    def _checked(self, predictions: list[Instance]) -> list[Instance]:
        """The predictions, where a later step of a graph takes them. Raises EngineError."""
        try:
            contract.check_predictions(predictions)
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
