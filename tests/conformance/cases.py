"""Hand-written cases: YAML files of graphs, requests, what services do, and what must come of it.

    - name: a hard failure ends the sequence
      sequence: [{serviceUrl: $a, dependency: Hard}, $b]
      services: {a: {status: 503, body: '{"e":1}'}, b: '{}'}
      request: '{"x":1}'
      expect: {status: 503, type: application/json, body: '{"e":1}', calls: [...]}

`sequence`, `switch`, `splitter` and `ensemble` are the steps of the root, `nodes` the other nodes;
`$a` is the URL of the scripted service a. A body is text, or `{hex: ...}`. What is expected was
taken from KServe's own router by `python -m tests.conformance.record` and read by a person.
KServe's router must answer so word for word, ours as far as `compare.agree` demands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.compare import calls_of
from tests.conformance.exchange import Job, Observation, Reply, Request

FOLDER = Path(__file__).parent / "data"
_ROOTS = ("sequence", "switch", "splitter", "ensemble")
_SERVICE = re.compile(r"^\$(?!service|refused)(\w+)")


@dataclass(frozen=True)
class Case:
    name: str
    job: Job
    expect: Mapping[str, Any] | None


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of one file."""
    for tree in yaml.safe_load(path.read_text(encoding="utf-8")):
        yield Case(tree["name"], _job(tree), tree.get("expect"))


def seen(job: Job, observation: Observation) -> dict[str, Any]:
    """What is compared of an observation, in the form of a case's `expect`."""
    found: dict[str, Any] = {"status": observation.status}
    for key, header in (("type", "content-type"), ("location", "location")):
        if header in observation.headers:
            found[key] = observation.headers[header]
    if observation.body:
        found["body"] = _show(observation.body)
    calls = [_show_call(*call) for call in calls_of(observation)]
    alone = all(node["routerType"] != "Ensemble" for node in job.nodes.values())
    found["calls"] = calls if alone else sorted(calls, key=str)
    return found


def expected(case: Case) -> Observation:
    """The answer that a case expects, as it would be observed."""
    expect = case.expect or {}
    names = {"content-type": "type", "location": "location"}
    headers = {header: expect[key] for header, key in names.items() if key in expect}
    body = expect.get("body", "")
    found = bytes.fromhex(body["hex"]) if isinstance(body, dict) else body.encode()
    return Observation(expect.get("status", 0), found, headers)


def _show_call(
    method: str, target: str, body: bytes, headers: tuple[tuple[str, str], ...]
) -> list[Any]:
    """A call as [target, body], and the method and the headers where they are not the usual."""
    shown: list[Any] = [target, _show(body)]
    if method != "POST" or headers != (("content-type", "application/json"),):
        shown += [method, *map(list, headers)]
    return shown


def _job(tree: Mapping[str, Any]) -> Job:
    (root,) = (name for name in _ROOTS if name in tree)
    nodes = {"root": {"routerType": root.capitalize(), "steps": tree[root]}}
    nodes |= tree.get("nodes", {})
    for node in nodes.values():
        node["steps"] = [_step(step) for step in node.get("steps", [])]
    services = {
        name: tuple(
            _reply(reply) for reply in (replies if isinstance(replies, list) else [replies])
        )
        for name, replies in tree.get("services", {}).items()
    }
    return Job(
        nodes,
        services,
        (_request(tree.get("request", '{"x":1}')),),
        tree.get("timeouts", {}),
        tree.get("propagate"),
    )


def _step(step: str | dict[str, Any]) -> dict[str, Any]:
    fields = {"serviceUrl": step} if isinstance(step, str) else step
    if "serviceUrl" in fields:
        url = _SERVICE.sub(r"http://$service/\1", fields["serviceUrl"])
        fields = {**fields, "serviceUrl": url}
    return fields


def _reply(reply: str | dict[str, Any]) -> Reply:
    if isinstance(reply, str):
        return Reply(body=reply.encode())
    return Reply(
        status=reply.get("status", 200),
        body=_body(reply),
        headers=tuple((name, value) for name, value in reply.get("headers", [])),
        raw=reply["raw"].encode() if "raw" in reply else None,
        promise=reply.get("promise"),
        delay=reply.get("delay", 0),
    )


def _request(request: str | dict[str, Any]) -> Request:
    if isinstance(request, str):
        return Request(request.encode())
    return Request(
        _body(request),
        request.get("method", "POST"),
        request.get("path", "/"),
        tuple((name, value) for name, value in request.get("headers", [])),
    )


def _body(tree: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(tree["hex"]) if "hex" in tree else tree.get("body", "").encode()


def _show(body: bytes) -> str | dict[str, str]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"hex": body.hex()}
    return text if text.isprintable() or text.isascii() else {"hex": body.hex()}
