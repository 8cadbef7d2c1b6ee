"""When two observations of one request are the same, and which differences are meant.

Equal are status, body, content type, location and the calls that the services received, headers
included. The documented differences that random graphs can meet are allowed for here, each by its
name in `graph/README.md`; everything else is a failure. `agree` holds the two of them that are in
the answer itself: the words of some causes, and the content types that are not told apart.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from graph.router.app import NO_STATUS
from graph.router.walk import error_answer
from tests.conformance.exchange import Job, Observation

# Written by the HTTP library of each side: names of programs, sizes, connections.
_OWN_HEADERS = frozenset(
    ("host", "user-agent", "content-length", "accept-encoding", "connection", "transfer-encoding")
)
# KServe's handler panics and drops the connection where ours answers 500; nothing after a HEAD.
_NO_STATUS = ((500, error_answer(500, NO_STATUS).body), (500, b""))
# `cause-words`: what KServe says there, and how our cause begins instead. A group is kept.
_POST, _PARSE = r'(Post "(?:[^"\\]|\\.)*": )', r'(parse "(?:[^"\\]|\\.)*": )'
_CAUSES = [
    (re.compile(pattern, re.DOTALL), begins)
    for pattern, begins in (
        (rf"{_PARSE}.*", r"\1this is not a valid URL"),
        (rf"{_POST}unsupported protocol scheme .*", r"\1a service's URL begins with"),
        (rf"{_POST}http: no Host in request URL", r"\1the URL names no host"),
        (rf"{_POST}failed to parse Location header .*", r"\1it redirects to "),
        (rf"{_POST}(?:EOF|net/http: .*|read tcp .*)", r"\1"),
        (rf"{_POST}dial tcp: .*", r"\1dial tcp: "),
        (r"unexpected EOF|invalid byte in chunk length|gzip: .*|flate: .*", 'Post "http://'),
        (r"invalid character .*|unexpected end of JSON input|json: cannot unmarshal .*", "step "),
    )
]
# `content-types`: those that are told apart, and what others are here.
_TYPES = {"application/json", "application/octet-stream", None}
_TYPES |= {f"text/{kind}; charset=utf-8" for kind in ("html", "plain", "xml")}
_OTHER_TYPES = ("application/octet-stream", "text/plain; charset=utf-8")
# How often both sides are asked where chance or timing decides what is right.
ATTEMPTS = 8


def is_undecided(job: Job) -> bool:
    """True where one request may rightly be answered in more than one way.

    A Splitter draws lots, and of two Ensemble branches that fail the first in time wins.
    """
    return any(node["routerType"] in ("Splitter", "Ensemble") for node in job.nodes.values())


def difference(job: Job, kserve: Observation, ours: Observation) -> str:
    """The unintended difference between two observations; empty where there is none."""
    if kserve.status == 0 and (ours.status, ours.body) in _NO_STATUS:
        return ""  # `no-status`
    if _fail_in_any_order(job, kserve, ours):
        return ""
    ours = agree(kserve, ours)
    for name in ("status", "body"):
        if getattr(kserve, name) != getattr(ours, name):
            return f"{name}: {getattr(kserve, name)!r} of KServe, {getattr(ours, name)!r} of ours"
    for name in ("content-type", "location"):
        if kserve.headers.get(name) != ours.headers.get(name):
            return f"{name}: {kserve.headers.get(name)} of KServe, {ours.headers.get(name)} of ours"
    return _difference_in_calls(job, kserve, ours)


def agree(kserve: Observation, ours: Observation) -> Observation:
    """Ours, with KServe's cause and content type where ours are as good as them."""
    theirs = _cause(kserve.body)
    if theirs is not None and _is_as_good(theirs, _cause(ours.body) or ""):
        ours = replace(ours, body=kserve.body)
    kind = kserve.headers.get("content-type")
    if kind not in _TYPES and ours.headers.get("content-type") in _OTHER_TYPES:
        ours = replace(ours, headers={**ours.headers, "content-type": str(kind)})
    return ours


def _cause(body: bytes) -> str | None:
    """The cause in the router's own answer to a failed walk, None in any other body."""
    if not body.startswith(b'{"error":"Failed to process request","cause":'):
        return None
    return str(json.loads(body)["cause"])


def _is_as_good(theirs: str, ours: str) -> bool:
    matches = ((pattern.fullmatch(theirs), begins) for pattern, begins in _CAUSES)
    return any(match and ours.startswith(match.expand(begins)) for match, begins in matches)


def describe(job: Job, request: int, problem: str) -> str:
    """A failure as a person needs it: what differs, and the job to run it again."""
    job = replace(job, requests=(job.requests[request],))
    services = {name: list(replies) for name, replies in job.services.items()}
    lines = [problem, *(f"{name}: {json.dumps(node)}" for name, node in job.nodes.items())]
    lines += [f"services: {services}", f"request: {job.requests[0]}"]
    lines += [f"timeouts: {job.timeouts}, PROPAGATE_HEADERS: {job.propagate!r}"]
    return "\n".join(line if len(line) < 2000 else line[:2000] + "..." for line in lines)


def _fail_in_any_order(job: Job, kserve: Observation, ours: Observation) -> bool:
    """Where two branches of an Ensemble fail at once, the scheduler decides which is reported."""
    branches = [node for node in job.nodes.values() if node["routerType"] == "Ensemble"]
    return any(len(node["steps"]) > 1 for node in branches) and all(
        seen.status == 500 and seen.body.startswith(b'{"error":"Failed to process request"')
        for seen in (kserve, ours)
    )


def _difference_in_calls(job: Job, kserve: Observation, ours: Observation) -> str:
    theirs, mine = calls_of(kserve), calls_of(ours)
    if not any(node["routerType"] == "Ensemble" for node in job.nodes.values()):
        return "" if theirs == mine else f"calls: {theirs} of KServe, {mine} of ours"
    missing, added = Counter(theirs) - Counter(mine), Counter(mine) - Counter(theirs)
    # `ensemble-cancel`: after a failure KServe goes on calling, ours stops.
    ended_early = not 200 <= ours.status <= 299
    if added or (missing and not ended_early):
        return f"calls: {list(missing)} only of KServe, {list(added)} only of ours"
    return ""


def calls_of(seen: Observation) -> list[tuple[Any, ...]]:
    """The calls that the services received, as far as they are compared."""
    return [(c.method, c.target, c.body, _headers(c.headers)) for c in seen.calls]


def _headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    kept = ((name.lower(), value) for name, value in pairs)
    return tuple(sorted((n, v) for n, v in kept if n not in _OWN_HEADERS))
