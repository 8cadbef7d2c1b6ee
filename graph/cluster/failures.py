"""What the API server answers in the place of what was asked, as Parley's errors.

The server's own words are kept where they help. A missing right is told by verb, resource and
namespace, as a Role has them; what another field manager owns is told by field and manager.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException, OpenApiException
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from graph.errors import (
    ClusterError,
    Conflict,
    Forbidden,
    NamespaceMissing,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
)

# As the API server writes it: staging/src/k8s.io/apiserver, responsewriters.Forbidden.
_RIGHT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]*)")?'
)
# An unknown field, which server-side apply takes for a failure of its own.
_UNTYPED = re.compile(r"failed to create typed patch object \(.*?\): (.*)")
_LONGEST = 200
_BUSY = (429, 502, 503, 504)
_ACCESS = "manifests/access holds a Role with all that Parley needs"


@dataclass(frozen=True)
class Answer:
    """The Status object of an answer; empty where it was none."""

    message: str
    reason: str = ""
    kind: str = ""
    name: str = ""
    causes: tuple[Mapping[str, Any], ...] = ()


def translate(err: OpenApiException | HTTPError, server: str, about: str = "") -> ClusterError:
    """The error to raise. server: URL of the API server.  about: the object, such as Job/x."""
    if isinstance(err, ApiException) and err.status:
        return _translate_answer(err.status, _read(err), server, about)
    if isinstance(err, OpenApiException):
        return Unreachable(f"{server}: {_one_line(getattr(err, 'reason', '') or str(err))}")
    return Unreachable(
        f"{server}: {_describe_connection(err)}; is the cluster up, and the way open?"
    )


def missing_namespace(name: str) -> NamespaceMissing:
    return NamespaceMissing(f'namespace "{name}" is not there; kubectl create namespace {name}')


def _translate_answer(status: int, answer: Answer, server: str, about: str) -> ClusterError:
    told = f"{about}: {answer.message}" if about else answer.message
    if status == 401:
        return Unauthorized(f"{server}: does not know who asks; the token may be expired: log in")
    if status == 403:
        return _translate_forbidden(answer, told)
    if status == 404:
        if answer.kind == "namespaces":
            return missing_namespace(answer.name)
        return NotFound(told)
    if status == 409 and answer.reason == "Conflict" and answer.causes:
        return _translate_conflict(answer, about)
    if status in _BUSY:
        return Unreachable(f"{server}: is busy or unavailable: {answer.message}")
    if status == 422 and answer.causes:
        return _translate_invalid(answer, about)
    if status < 500:
        return Refused(told)
    unknown = _UNTYPED.match(answer.message)
    if unknown:
        return Refused(f"{about}: {unknown[1]}")
    return ClusterError(told)


def _translate_forbidden(answer: Answer, told: str) -> ClusterError:
    found = _RIGHT.search(answer.message)
    if found is None:
        # Admission: a quota, a policy, a namespace that is going.
        return Refused(told)
    resource = ".".join(part for part in (found["resource"], found["group"]) if part)
    namespace = found["namespace"] or ""
    where = f'in namespace "{namespace}"' if namespace else "in the whole cluster"
    return Forbidden(
        f"{found['user']} may not {found['verb']} {resource} {where}; {_ACCESS}",
        verb=found["verb"],
        resource=resource,
        namespace=namespace,
    )


def _translate_conflict(answer: Answer, about: str) -> ClusterError:
    owned = tuple(_owned_fields(answer.causes))
    if not owned:
        return Refused(f"{about}: {answer.message}" if about else answer.message)
    listed = ", ".join(f"{field} ({manager})" for field, manager in owned)
    return Conflict(
        f"{about}: fields that another manager owns: {listed}; "
        "leave them out, or take them over with --force-conflicts",
        owned,
    )


def _translate_invalid(answer: Answer, about: str) -> ClusterError:
    """Field by field; the server's message shows a whole object for a field that cannot change."""
    fields = [(c.get("field", ""), _one_line(c.get("message", ""))) for c in answer.causes]
    immutable = tuple(field for field, words in fields if "immutable" in words)
    listed = "; ".join(f"{field}: {_shorten(words)}" for field, words in fields)
    return Refused(f"{about}: {listed}" if about else listed, immutable)


def _owned_fields(causes: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, str]]:
    for cause in causes:
        if cause.get("reason") == "FieldManagerConflict":
            manager = re.search(r'conflict with "([^"]*)"', cause.get("message", ""))
            yield cause.get("field", ""), manager[1] if manager else "another"


def _read(err: ApiException) -> Answer:
    body = err.body or ""
    try:
        status = json.loads(body)
        details = status.get("details") or {}
        return Answer(
            _one_line(status.get("message") or err.reason or ""),
            status.get("reason") or "",
            details.get("kind") or "",
            details.get("name") or "",
            tuple(details.get("causes") or ()),
        )
    except (ValueError, AttributeError):
        # A proxy's page, or no body.
        return Answer(_one_line(body)[:200] or _one_line(str(err.reason)))


def _describe_connection(err: HTTPError) -> str:
    cause = err.reason if isinstance(err, MaxRetryError) and err.reason else err
    if isinstance(cause, NameResolutionError):
        return "its name is not known"
    if isinstance(cause, NewConnectionError):
        return "no connection: " + str(cause).rpartition("] ")[2]
    if isinstance(cause, ConnectTimeoutError | ReadTimeoutError):
        return "does not answer in time"
    if isinstance(cause, SSLError):
        return "no trusted connection: " + _one_line(str(cause))
    return _one_line(str(cause))


def _shorten(words: str) -> str:
    """The end tells what is wrong; before it stands the value, which may be long."""
    return words if len(words) <= _LONGEST else "... " + words[-_LONGEST:].partition(" ")[2]


def _one_line(text: str) -> str:
    return " ".join(text.split())
