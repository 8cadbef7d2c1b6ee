"""One client for a graph, wherever it runs: over HTTP, behind a gateway, or in this process.

    client = ChatClient("http://chat.example.com")         # a graph on a cluster, or `parley serve`
    client = ChatClient.local("manifests/embedded.yaml")   # the same graph in this process
    reply = client.turn("Bonjour !")
    reply = client.turn("Et à Lyon ?", history=reply.history, previous_language=reply.language)

It tries again what is safe (graph/calling/retries.py), and never a turn that may have been
answered.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from graph import contract
from graph.asgi import Answer
from graph.calling.retries import RETRIES, Retries
from graph.calling.transport import HttpTransport, Transport
from graph.errors import ParleyError, StepError, needing
from graph.turn.degradation import explain
from graph.turn.limits import PUBLIC_LIMITS
from graph.turn.timeouts import DEFAULT, MARGIN

# The most bytes of a turn's request besides its message and its history: keys and languages.
_OTHER_BYTES = 500


@dataclass(frozen=True)
class TurnStep:
    """What one predictor did: its name, its model, and the seconds it took."""

    name: str
    model: str
    seconds: float


@dataclass(frozen=True)
class Degradation:
    """A step that did not do its part, or not all of it, and why: one of the contract's reasons."""

    step: str
    reason: str

    def __str__(self) -> str:
        return explain(self.step, self.reason)


@dataclass(frozen=True)
class Reply:
    """One answered turn. `prediction` is the instance exactly as the graph returned it.

    degraded: what the turn lacks. A text that a step had nothing for is empty; without `response`
    there is no answer, and the history does not hold the message.
    """

    response: str
    language: str
    history: list[str]
    user_input: str
    user_input_en: str
    response_en: str
    language_confidence: float
    steps: tuple[TurnStep, ...]
    degraded: tuple[Degradation, ...]
    request_id: str
    prediction: Mapping[str, Any]


class ChatClient:
    """A graph to talk to. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        url: str = "",
        *,
        timeout: float = DEFAULT.client,
        retries: int = RETRIES,
        transport: Transport | None = None,
    ) -> None:
        """`url` is the graph's; `timeout` seconds at most are waited for one answer.

        retries: how often a request is tried again that was refused whole; 0 for never.
        """
        if bool(url) == (transport is not None):
            raise ValueError("give either a url or a transport")
        self._transport = transport or HttpTransport(url)
        self._timeout = timeout
        self._retries = Retries(retries)

    @classmethod
    def local(cls, file: str = "") -> ChatClient:
        """The graph of a YAML file in this process, by default the embedded one; loads its models.

        Raises SpecError, ModelError, NotInstalled.
        """
        with needing("local"):
            from graph.local.transport import LocalTransport

        return cls(transport=LocalTransport.of_file(file))

    def turn(
        self,
        user_input: str,
        history: Sequence[str] = (),
        *,
        language: str | None = None,
        previous_language: str | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """One message answered. Raises StepError with the server's status and words.

        timeout: seconds that the turn may take; the server ends it then and says who was late, so
        the client waits a little longer.  request_id: the turn's name in the server's logs, which
        an error has too; without one, the client makes one.
        """
        name = request_id or uuid.uuid4().hex
        instance: dict[str, Any] = {contract.USER_INPUT: user_input, contract.REQUEST_ID: name}
        if history:
            instance[contract.HISTORY] = list(history)
        if language:
            instance[contract.LANGUAGE] = language
        if previous_language:
            instance[contract.PREVIOUS_LANGUAGE] = previous_language
        try:
            [prediction] = self._post([instance], None, timeout)
        except ParleyError as err:
            err.request_id = err.request_id or name
            raise
        return read_reply(prediction)

    def turns(self, instances: Sequence[Mapping[str, Any]]) -> list[Reply]:
        """Several instances in one request, each an independent turn; languages may be mixed."""
        return [read_reply(prediction) for prediction in self._post(instances, None)]

    def answers(self, instances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What any graph returned for the instances, as it came; for graphs that are no chat."""
        return self._post(instances, None)

    def predict(self, name: str, instances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One predictor alone.

        Over HTTP the url must be one that serves predictors by name, such as that of `parley serve`
        or of the predictor itself: KServe's router would run its graph instead.
        """
        return self._post(instances, name)

    def conversation(
        self, language: str | None = None, timeout: float | None = None
    ) -> Conversation:
        """A conversation that keeps its history; `language` chosen by the user, None: detected.

        timeout: seconds that each turn may take.
        """
        return Conversation(self, language, timeout)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _post(
        self,
        instances: Sequence[Mapping[str, Any]],
        predictor: str | None,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        most = self._timeout if timeout is None else min(self._timeout, timeout + MARGIN)

        def attempt(left: float) -> Answer:
            asked = [dict(instance) for instance in instances]
            if timeout is not None:
                for instance in asked:
                    instance[contract.TIMEOUT] = max(0.001, round(timeout - (most - left), 3))
            body = json.dumps({"instances": asked}).encode()
            return self._transport.post(body, predictor, left)

        answer = self._retries.answer(attempt, most)
        return _predictions(answer, len(instances))


class Conversation:
    """Turns one after the other: sends the history, and the last language as a prior, by itself.

    `history` is what the last answer gave. Of a long one the oldest turns are not sent any more;
    `replies` keeps every turn.
    """

    def __init__(
        self, client: ChatClient, language: str | None = None, timeout: float | None = None
    ) -> None:
        self._client = client
        self.language = language
        self.timeout = timeout
        self.history: list[str] = []
        self.replies: list[Reply] = []

    def say(self, text: str) -> Reply:
        """One turn. When it raises, the conversation is as it was before."""
        room = PUBLIC_LIMITS.body - len(json.dumps(text)) - _OTHER_BYTES
        reply = self._client.turn(
            text,
            newest_turns(self.history, PUBLIC_LIMITS.history, room),
            language=self.language,
            previous_language=self.replies[-1].language if self.replies else None,
            timeout=self.timeout,
        )
        self.history = reply.history
        self.replies.append(reply)
        return reply

    def reset(self) -> None:
        """Forget what was said; the chosen language stays."""
        self.history = []
        self.replies = []


def newest_turns(history: Sequence[str], texts: int, size: int) -> list[str]:
    """The newest whole turns (a message and its answer) that fit: so many texts, bytes as JSON."""
    start = len(history)
    used = 0
    while start >= 2:
        used += sum(len(json.dumps(text)) + len(", ") for text in history[start - 2 : start])
        if len(history) - start + 2 > texts or used > size:
            break
        start -= 2
    return list(history[start:])


def read_reply(prediction: Mapping[str, Any]) -> Reply:
    """A typed reply. Raises StepError when the answer is not of the contract."""
    try:
        return Reply(
            response=prediction[contract.RESPONSE],
            language=prediction[contract.LANGUAGE],
            history=list(prediction[contract.HISTORY]),
            user_input=prediction[contract.USER_INPUT],
            user_input_en=prediction[contract.USER_INPUT_EN],
            response_en=prediction[contract.RESPONSE_EN],
            language_confidence=prediction[contract.LANGUAGE_CONFIDENCE],
            steps=tuple(TurnStep(**step) for step in prediction[contract.STEPS]),
            degraded=read_degraded(prediction),
            request_id=prediction.get(contract.REQUEST_ID, ""),
            prediction=prediction,
        )
    except (KeyError, TypeError) as err:
        raise StepError(f"the answer is not a turn of Parley's: {err} is missing or wrong") from err


def read_degraded(prediction: Mapping[str, Any]) -> tuple[Degradation, ...]:
    """What a turn lacks. Raises StepError where that is not of the contract."""
    try:
        return tuple(Degradation(**entry) for entry in prediction.get(contract.DEGRADED, ()))
    except TypeError as err:
        raise StepError(f"{contract.DEGRADED} of the answer is not of Parley's: {err}") from err


def _predictions(answer: Answer, expected: int) -> list[dict[str, Any]]:
    status = answer.status
    try:
        payload = json.loads(answer.body)
    except ValueError as err:
        raise StepError(f"the server answered {status} without JSON", _error(status)) from err
    if status != 200:
        error = StepError(_words(payload, status), _error(status))
        error.request_id = ",".join(contract.find_request_ids(payload))
        raise error
    predictions = payload.get("predictions") if isinstance(payload, dict) else None
    if not isinstance(predictions, list) or len(predictions) != expected:
        raise StepError(f"the answer does not hold {expected} predictions")
    return predictions


def _words(payload: Any, status: int) -> str:
    """The server's own words for its error; KServe's router gives the cause beside a fixed text."""
    if isinstance(payload, dict):
        words = payload.get("cause") or payload.get("error")
        if isinstance(words, str) and words:
            return words
    return f"the server answered {status}"


def _error(status: int) -> int:
    """A status for an error: an answer of 2xx that makes no sense is a bad gateway."""
    return status if status >= 400 else 502
