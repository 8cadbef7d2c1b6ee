"""Services that are played: a script gives their answers, and nothing is called.

A service without a script answers as a V1 predictor that changes nothing: the `instances` of its
request come back as `predictions`, and any other body as it came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graph.asgi import Answer
from graph.errors import StepError
from graph.golang.json import read_for_people
from graph.router.walk import Call, Headers
from graph.spec.model import Step


@dataclass(frozen=True)
class Played:
    """One answer of a played service; with `error`, no answer comes and the call fails with it."""

    status: int = 200
    body: bytes = b""
    error: str = ""


@dataclass
class Stubs:
    """The played services by target (service name or URL), and what they received, in order.

    The answers of a service are taken in turn, the last one again and again.
    """

    scripts: Mapping[str, Sequence[Played]] = field(default_factory=dict)
    received: list[tuple[str, bytes]] = field(default_factory=list)

    async def call(self, step: Step, body: bytes, headers: Headers) -> Answer:
        count = sum(1 for target, _ in self.received if target == step.target)
        self.received.append((step.target, body))
        script = self.scripts.get(step.target)
        if not script:
            return Answer(200, answer_unchanged(body))
        played = script[min(count, len(script) - 1)]
        if played.error:
            raise StepError(played.error)
        return Answer(played.status, played.body)


def some_played(urls: Mapping[str, str], real: Call, stubs: Stubs) -> Call:
    """Calls the targets that `urls` names for real, and plays the others."""

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        return await (real if step.target in urls else stubs.call)(step, body, headers)

    return call


def answer_unchanged(body: bytes) -> bytes:
    """The answer of a V1 predictor that gives every instance back."""
    value = read_for_people(body)
    if isinstance(value, dict) and isinstance(value.get("instances"), list):
        return json.dumps({"predictions": value["instances"]}, ensure_ascii=False).encode()
    return body
