"""Answers of an API server, as it gives them, and the one line that becomes of each."""

from __future__ import annotations

import json
from socket import gaierror
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)

from graph.cluster.failures import translate
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

HOST = HTTPConnection("nowhere.invalid")
POOL = HTTPConnectionPool("nowhere.invalid")
SERVER = "https://10.0.0.1:6443"


def answer(status: int, message: str, reason: str = "", **details: Any) -> ApiException:
    body = {"kind": "Status", "message": message, "reason": reason, "details": details}
    return ApiException(status=status, reason=reason, body=json.dumps(body))


def told(err: ApiException | HTTPError, about: str = "Job/pull") -> ClusterError:
    return translate(err, SERVER, about)


def test_a_missing_right_is_told_as_a_role_has_it() -> None:
    words = (
        'inferenceservices.serving.kserve.io is forbidden: User "jane" cannot list resource '
        '"inferenceservices" in API group "serving.kserve.io" in the namespace "parley"'
    )
    error = told(answer(403, words, "Forbidden"))
    assert isinstance(error, Forbidden)
    assert (error.verb, error.namespace) == ("list", "parley")
    assert error.resource == "inferenceservices.serving.kserve.io"
    assert error.message == (
        'jane may not list inferenceservices.serving.kserve.io in namespace "parley"; '
        "manifests/access holds a Role with all that Parley needs"
    )
    words = 'User "jane" cannot get resource "nodes" in API group "" at the cluster scope'
    error = told(answer(403, words, "Forbidden"))
    assert isinstance(error, Forbidden)
    assert (error.resource, error.namespace) == ("nodes", "")
    assert "may not get nodes in the whole cluster" in error.message


def test_a_policy_that_refuses_is_no_missing_right() -> None:
    words = 'pods "x" is forbidden: exceeded quota: few, requested: pods=1'
    error = told(answer(403, words, "Forbidden"))
    assert type(error) is Refused
    assert error.message == f"Job/pull: {words}"


def test_fields_of_other_managers_are_told_one_by_one() -> None:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}" using v1',
            "field": field,
        }
        for field, manager in ((".spec.a", "kubectl-edit"), (".data.b", "helm"))
    ]
    error = told(answer(409, "Apply failed", "Conflict", causes=causes), "ConfigMap/x")
    assert isinstance(error, Conflict)
    assert error.fields == ((".spec.a", "kubectl-edit"), (".data.b", "helm"))
    assert error.message == (
        "ConfigMap/x: fields that another manager owns: .spec.a (kubectl-edit), .data.b (helm); "
        "leave them out, or take them over with --force-conflicts"
    )


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (answer(401, "Unauthorized"), Unauthorized, f"{SERVER}: does not know who asks"),
        (
            answer(404, 'namespaces "x" not found', "NotFound", kind="namespaces", name="x"),
            NamespaceMissing,
            'namespace "x" is not there; kubectl create namespace x',
        ),
        (answer(404, 'jobs.batch "x" not found', "NotFound", kind="jobs"), NotFound, "Job/pull: "),
        (answer(409, "the object has been modified", "Conflict"), Refused, "Job/pull: the object"),
        (answer(429, "too many requests"), Unreachable, f"{SERVER}: is busy or unavailable"),
        (answer(503, "no endpoints"), Unreachable, f"{SERVER}: is busy or unavailable"),
        (answer(400, "wrong"), Refused, "Job/pull: wrong"),
        (answer(500, 'failed calling webhook "x"'), ClusterError, "Job/pull: failed calling"),
        (
            answer(500, "failed to create typed patch object (a/b; v1, Kind=C): .spec.x: unknown"),
            Refused,
            "Job/pull: .spec.x: unknown",
        ),
        (
            ApiException(status=0, reason="SSLError\nself-signed"),
            Unreachable,
            "SSLError self-signed",
        ),
        (
            ApiException(status=502, reason="Bad Gateway", body="<html>\n<h1>502</h1>"),
            Unreachable,
            "is busy or unavailable: <html> <h1>502</h1>",
        ),
        (ApiException(status=404, reason="Not Found"), NotFound, "Job/pull: Not Found"),
    ],
)
def test_each_status_has_its_class_and_one_line(
    error: ApiException, kind: type[ClusterError], words: str
) -> None:
    found = told(error)
    assert type(found) is kind
    assert words in found.message
    assert "\n" not in found.message


def test_a_field_that_cannot_change_is_told_without_the_whole_object() -> None:
    value = "core.PodTemplateSpec{" + "x:y, " * 400 + "}"
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": f"Invalid value: {value}: field is immutable",
            "field": "spec.template",
        },
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.x"},
    ]
    error = told(answer(422, f"is invalid: {value}", "Invalid", causes=causes))
    assert isinstance(error, Refused)
    assert error.immutable == ("spec.template",)
    assert error.message.startswith("Job/pull: spec.template: ... ")
    assert error.message.endswith("field is immutable; spec.x: Required value")
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (NewConnectionError(HOST, "x: [Errno 111] Connection refused"), "Connection refused"),
        (NameResolutionError("nowhere", HOST, gaierror()), "its name is not known"),
        (ConnectTimeoutError("timed out"), "does not answer in time"),
        (SSLError("certificate verify failed"), "no trusted connection: certificate verify failed"),
        (ProtocolError("Connection broken"), "Connection broken"),
    ],
)
def test_a_connection_that_fails_says_how(cause: Any, words: str) -> None:
    for error in (cause, MaxRetryError(POOL, "/api", cause)):
        found = told(error)
        assert type(found) is Unreachable
        assert found.message.startswith(f"{SERVER}: ")
        assert words in found.message
