"""Guards one predictor: contract, bounded queue, deadline, readiness, errors.

The KServe server and the local runner both call predictors through a Handler, so that a request is
answered with the same status and the same words by either. No web framework is imported here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph import contract
from graph.contract import Instance
from graph.errors import DeadlineExceeded, NotReady, Overloaded, ParleyError
from predictors.predictor import Predictor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP: `payload` is a JSON object, `headers` come besides content-type."""

    status: int
    payload: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()


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

    def load(self) -> None:
        """Blocks until the predictor is ready. Raises what its `load` raises."""
        self.predictor.load()
        self.ready = True

    def close(self) -> None:
        self.ready = False
        self.predictor.close()

    def read(self, body: bytes) -> Any:
        """The JSON value of a body whose every part is of the contract. Raises RequestError."""
        payload = contract.parse_body(body)
        contract.read_instances(payload, self.predictor.fields)
        return payload

    async def answer(self, body: bytes) -> Answer:
        """The whole way of a request, errors included; raises nothing but cancellation."""
        try:
            return Answer(200, await self.handle(contract.parse_body(body)))
        except ParleyError as err:
            return error_answer(err)

    async def handle(self, payload: Any) -> dict[str, Any]:
        """`{"predictions": [...]}` for a parsed request. Raises ParleyError and no other error."""
        if not self.ready:
            raise NotReady(f"{self.name}: the model is not ready")
        instances = contract.read_instances(payload, self.predictor.fields)
        if self._inflight >= self._max_inflight:
            raise Overloaded(f"{self.name}: {self._inflight} requests are at work, try again")
        self._inflight += 1
        try:
            return {"predictions": await self._predict(instances)}
        finally:
            self._inflight -= 1

    async def _predict(self, instances: list[Instance]) -> list[Instance]:
        try:
            async with asyncio.timeout(self._request_timeout):
                return await self.predictor.predict(instances)
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


def error_answer(err: ParleyError) -> Answer:
    """The error as every door of Parley words it."""
    headers = {}
    if isinstance(err, Overloaded):
        headers["retry-after"] = str(max(1, round(err.retry_after)))
    return Answer(err.status, {"error": err.message}, headers)
