"""What a client sends and how it reads what comes back, whoever carries the bytes and waits.

A `Call` is one request as the clients of `graph/client.py` make it; it knows no network and no
event loop.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from graph import contract
from graph.asgi import JSON, Answer
from graph.calling.replies import Reply, read_reply
from graph.errors import ParleyError, StepError
from graph.turn.timeouts import MARGIN

R = TypeVar("R")
Instance = Mapping[str, Any]
Prediction = dict[str, Any]

# How often a request is tried again that was refused whole, unless the client says otherwise.
RETRIES = 2
# Characters of a foreign server's own words that an error repeats.
_WORDS = 200


@dataclass(frozen=True)
class Call(Generic[R]):
    """One request. `seconds` at most are waited for its answer, of which `read` makes the result.

    predictor: the one that is asked alone, None: the graph.  timeout: seconds that each turn may
    take, which the server is told.  request_id: the turn's name, where it is a single one.
    """

    instances: Sequence[Instance]
    seconds: float
    read: Callable[[list[Prediction]], R]
    predictor: str | None = None
    timeout: float | None = None
    request_id: str = ""

    def body(self, left: float) -> bytes:
        """The body to send when `left` of the seconds are left."""
        asked = [dict(instance) for instance in self.instances]
        if self.timeout is not None:
            timeout = max(0.001, round(self.timeout - (self.seconds - left), 3))
            for instance in asked:
                instance[contract.TIMEOUT] = timeout
        return json.dumps({"instances": asked}).encode()

    def result(self, answer: Answer) -> R:
        """What the answer says. Raises StepError."""
        return self.read(_predictions(answer, len(self.instances)))

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors have the turn's name, also where no server gave them one."""
        try:
            yield
        except ParleyError as err:
            err.request_id = err.request_id or self.request_id
            raise


@dataclass(frozen=True)
class Calls:
    """The requests of one client, each of which may take `seconds`."""

    seconds: float

    def turn(
        self,
        user_input: str,
        history: Sequence[str],
        language: str | None,
        previous_language: str | None,
        timeout: float | None,
        request_id: str | None,
    ) -> Call[Reply]:
        name = request_id or uuid.uuid4().hex
        optional = {
            contract.HISTORY: list(history),
            contract.LANGUAGE: language,
            contract.PREVIOUS_LANGUAGE: previous_language,
        }
        instance: Prediction = {contract.USER_INPUT: user_input, contract.REQUEST_ID: name}
        instance |= {field: value for field, value in optional.items() if value}
        most = self.seconds if timeout is None else min(self.seconds, timeout + MARGIN)
        return Call([instance], most, _read_turn, timeout=timeout, request_id=name)

    def turns(self, instances: Sequence[Instance]) -> Call[list[Reply]]:
        return Call(instances, self.seconds, lambda found: [read_reply(each) for each in found])

    def answers(
        self, instances: Sequence[Instance], predictor: str | None = None
    ) -> Call[list[Prediction]]:
        return Call(instances, self.seconds, list, predictor)


def _read_turn(predictions: list[Prediction]) -> Reply:
    [prediction] = predictions
    return read_reply(prediction)


def _predictions(answer: Answer, expected: int) -> list[Prediction]:
    status = answer.status
    try:
        payload = json.loads(answer.body)
    except (ValueError, RecursionError) as err:
        raise StepError(_foreign_words(answer), _error(status)) from err
    if status != 200:
        error = StepError(_words(payload, status), _error(status))
        error.request_id = ",".join(contract.find_request_ids(payload))
        raise error
    predictions = payload.get("predictions") if isinstance(payload, dict) else None
    if not isinstance(predictions, list) or len(predictions) != expected:
        raise StepError(f"the answer does not hold {expected} predictions")
    if not all(isinstance(each, dict) for each in predictions):
        raise StepError("a prediction of the answer is not an object")
    return predictions


def _words(payload: Any, status: int) -> str:
    """The server's own words for its error; KServe's router gives the cause beside a fixed text."""
    if isinstance(payload, dict):
        words = payload.get("cause") or payload.get("error")
        if isinstance(words, str) and words:
            return words
    return f"the server answered {status}"


def _foreign_words(answer: Answer) -> str:
    """The words of something that is not Parley's, such as a gateway: a line of plain text."""
    status, kind = answer.status, answer.content_type or ""
    if status == 404 and not answer.body:
        return (
            "the server answered 404: it has no route for this host name and path; behind a "
            "gateway's address, give the host name (host=, --host)"
        )
    if kind.startswith("text/plain") and status >= 400:
        words = " ".join(contract.without_control(answer.body.decode(errors="replace")).split())
        return f"the server answered {status}: {words[:_WORDS]}"
    return f"the server answered {status} without JSON" + ("" if JSON in kind else f" ({kind})")


def _error(status: int) -> int:
    """A status for an error: an answer of 2xx that makes no sense is a bad gateway."""
    return status if status >= 400 else 502
