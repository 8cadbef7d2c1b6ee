"""What the tests and their worker say to each other: jobs and what was observed, as JSON lines.

A job is one graph, the behaviour of its services and a few requests; a side (KServe's router or
ours) answers with one observation per request. Bytes travel as base64.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What a scripted service does with one call.

    raw: these bytes instead of a response, then the connection ends.  promise: content-length
    to announce instead of the true one.  delay: seconds before the answer.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    promise: int | None = None
    delay: float = 0


@dataclass(frozen=True)
class Request:
    body: bytes = b""
    method: str = "POST"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Job:
    """nodes: `spec.nodes`, each `$service` in it the address of the scripted service.

    services: by the first segment of the path, the replies to its calls, the last one repeated.
    `$refused` in it is a port on which nothing listens.
    """

    nodes: dict[str, Any]
    services: dict[str, tuple[Reply, ...]]
    requests: tuple[Request, ...]
    timeouts: dict[str, int] = field(default_factory=dict)
    propagate: str | None = None


@dataclass(frozen=True)
class Received:
    """One call that reached a service."""

    service: str
    method: str
    target: str
    body: bytes
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Observation:
    """One request seen from both ends. status 0: the connection ended without an answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    calls: tuple[Received, ...] = ()


def to_json(value: Job | list[Observation]) -> str:
    tree = [asdict(item) for item in value] if isinstance(value, list) else asdict(value)
    return json.dumps(tree, default=_encode_bytes)


def job_from_json(line: str) -> Job:
    tree = json.loads(line, object_hook=_decode_bytes)
    services = {
        name: tuple(Reply(**{**reply, "headers": _pairs(reply["headers"])}) for reply in replies)
        for name, replies in tree["services"].items()
    }
    requests = tuple(
        Request(**{**request, "headers": _pairs(request["headers"])})
        for request in tree["requests"]
    )
    return Job(**{**tree, "services": services, "requests": requests})


def observations_from_json(line: str) -> list[Observation]:
    tree = json.loads(line, object_hook=_decode_bytes)
    return [
        Observation(
            **{
                **item,
                "calls": tuple(
                    Received(**{**call, "headers": _pairs(call["headers"])})
                    for call in item["calls"]
                ),
            }
        )
        for item in tree
    ]


def _pairs(value: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, inner) for name, inner in value)


def _encode_bytes(value: object) -> dict[str, str]:
    assert isinstance(value, bytes)
    return {"$bytes": base64.b64encode(value).decode()}


def _decode_bytes(tree: dict[str, Any]) -> Any:
    return base64.b64decode(tree["$bytes"]) if tree.keys() == {"$bytes"} else tree
