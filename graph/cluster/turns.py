"""One real request to an application that looks ready, through a forwarded port.

Our chat and our translator are asked for a turn, which passes all their models. What a stranger's
graph takes is not known, so its router is asked whether it is ready, and a stranger's service by
itself is not asked: its own probe says as much.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx2

from graph import contract
from graph.calling.endpoint import Endpoint
from graph.calling.transport import HttpTransport
from graph.cluster.connection import Cluster
from graph.cluster.forward import forward
from graph.cluster.parts.applications import Application
from graph.cluster.reasons.model import Object, shorten
from graph.errors import NotReady

_OURS = "predictors."
_TRANSLATOR = "predictors.translator"
_MESSAGE = "Hello"
_READY_PATH = "/readyz"


@dataclass(frozen=True)
class Question:
    """service: name of the Service that is asked.  words: what is asked, for a person.

    body: the request; None to ask whether it is ready.  predictor: the model that is asked by
    itself, None for a graph.
    """

    service: str
    words: str
    body: bytes | None = None
    predictor: str | None = None


def question_of(application: Application) -> Question | None:
    """What an application can be asked; None for a stranger's service."""
    words = [word for service in application.services for word in _words(service)]
    graph = application.graph
    if any(word.startswith(_OURS) for word in words):
        language = _foreign_language(words) if graph and "predictors.chat" in words else ""
        what = f"one turn in {language}" if language else "one turn"
        if graph:
            return Question(application.name, what, _turn(language))
        model = _option(words, "--model_name") or application.name
        return Question(f"{application.name}-predictor", what, _lone_turn(words), model)
    return Question(application.name, "readyz of its router") if graph else None


def ask(cluster: Cluster, question: Question, seconds: float) -> str:
    """What came, in a few words. Raises NotReady where no good answer came, and ClusterError."""
    started = time.monotonic()
    with forward(cluster, f"service/{question.service}") as url:
        if question.body is None:
            _ask_readiness(url, seconds)
        else:
            _ask_turn(url, question, seconds)
    return f"{question.words} answered in {time.monotonic() - started:.1f} s"


def _ask_readiness(url: str, seconds: float) -> None:
    try:
        status = httpx2.get(url + _READY_PATH, timeout=seconds, trust_env=False).status_code
    except httpx2.TransportError as err:
        raise NotReady(f"its router does not answer: {err}") from err
    if status != 200:
        raise NotReady(f"its router answers {status}")


def _ask_turn(url: str, question: Question, seconds: float) -> None:
    transport = HttpTransport(Endpoint(url), trust_env=False)
    try:
        answer = transport.post(question.body or b"", question.predictor, seconds)
    finally:
        transport.close()
    if answer.status != 200:
        told = answer.body.decode("utf-8", "replace")
        raise NotReady(f"{question.words} was answered with {answer.status}: {shorten(told)}")
    try:
        [prediction] = json.loads(answer.body)["predictions"]
    except (ValueError, TypeError, KeyError) as err:
        raise NotReady(f"{question.words} was answered with no prediction") from err
    if not isinstance(prediction, dict):
        raise NotReady(f"{question.words} was answered with what is no turn")


def _turn(language: str) -> bytes:
    instance = {contract.USER_INPUT: _MESSAGE}
    if language:
        instance[contract.LANGUAGE] = language
    return json.dumps({"instances": [instance]}).encode()


def _lone_turn(words: Sequence[str]) -> bytes:
    """A turn for one predictor: a translator has its own text to read, and may want a language."""
    if _TRANSLATOR not in words:
        return _turn("")
    source, target = _option(words, "--source"), _option(words, "--target")
    other = target if source == contract.PIVOT else source
    usual = contract.RESPONSE_EN if source == contract.PIVOT else contract.USER_INPUT
    instance = {
        contract.USER_INPUT: _MESSAGE,
        _option(words, "--reads") or usual: _MESSAGE,
        contract.LANGUAGE: other.partition(",")[0],
    }
    return json.dumps({"instances": [instance]}).encode()


def _words(service: Object) -> Iterator[str]:
    """The command lines of a predictor's containers."""
    for container in service.get("spec", {}).get("predictor", {}).get("containers") or ():
        yield from container.get("command") or ()
        yield from container.get("args") or ()


def _foreign_language(words: Sequence[str]) -> str:
    """The first that is served besides English; a turn in it passes the translators too."""
    languages = _option(words, "--languages").split(",")
    return next((each for each in languages if each and each != contract.PIVOT), "")


def _option(words: Sequence[str], name: str) -> str:
    for word in words:
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return ""
