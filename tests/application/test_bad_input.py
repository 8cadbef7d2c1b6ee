"""Bad input over HTTP, at each predictor and at the graph: a clear 4xx, and the server goes on."""

import json
import socket

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings

from graph import contract
from graph.contract import find_request_ids
from graph.local.app import app_of
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.requests import requests

NAMES = ("detector", "translate-fr-en", "translate-en-fr", "chat")
GOOD = {"user_input": "Hello there, my friend", "response_en": "Hello"}

BAD = {
    "not JSON": (b"{", 400, "body"),
    "empty": (b"", 400, "body"),
    "not UTF-8": (b'{"user_input": "\xff"}', 400, "body"),
    "a list": (b"[]", 400, "body"),
    "a number": (b"7", 400, "body"),
    "NaN": (b'{"user_input": NaN}', 400, "body"),
    "deeply nested": (b"[" * 100_000, 400, "body"),
    "no instances": (b"{}", 400, "instances"),
    "instances not a list": (b'{"instances": {}}', 400, "instances"),
    "empty list": (b'{"instances": []}', 400, "instances"),
    "instance not an object": (b'{"instances": ["hi"]}', 400, "instances[0]"),
    "missing user_input": (b'{"instances": [{}]}', 400, "instances[0].user_input"),
    "blank user_input": (b'{"instances": [{"user_input": " "}]}', 400, "instances[0].user_input"),
    "user_input not a text": (
        b'{"instances": [{"user_input": 3}]}',
        400,
        "instances[0].user_input",
    ),
    "history not a list": (
        b'{"instances": [{"user_input": "hi", "history": "hi"}]}',
        400,
        "instances[0].history",
    ),
    "history not of texts": (
        b'{"instances": [{"user_input": "hi", "history": [1]}]}',
        400,
        "instances[0].history[0]",
    ),
    "unknown key": (
        b'{"instances": [{"user_input": "hi", "colour": "red"}]}',
        400,
        "instances[0].colour",
    ),
    "language not a code": (
        b'{"instances": [{"user_input": "hi", "language": "French"}]}',
        400,
        "instances[0].language",
    ),
    "10,001 characters": (
        json.dumps({"instances": [{"user_input": "x" * 10_001}]}).encode(),
        413,
        "instances[0].user_input",
    ),
    "the key twice": (b'{"user_input": "hi", "user_input": "bye"}', 400, "body"),
    "65 instances": (json.dumps({"instances": [GOOD] * 65}).encode(), 413, "instances"),
    "a CloudEvent": (
        b'{"specversion": "1.0", "type": "x", "source": "y", "id": "1", "time": "t", "data": {}}',
        400,
        "instances",
    ),
}


@pytest.fixture(scope="module")
def url():
    with served(app_of(embedded_graph(predictors()))) as url:
        yield url


@pytest.fixture(scope="module")
def client():
    with httpx2.Client(timeout=30) as client:
        yield client


def check(response, status, field):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["error", "request_id"]
    assert find_request_ids(answer) == [answer["request_id"]]
    assert answer["error"].startswith(f"{field}: ")
    assert "Traceback" not in answer["error"]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", NAMES)
def test_a_predictor_refuses_and_goes_on(client, url, name, bad):
    body, status, field = bad
    path = f"{url}/v1/models/{name}:predict"
    check(client.post(path, content=body), status, field)
    good = {"user_input": GOOD["user_input"]} if name == "detector" else GOOD
    assert client.post(path, json={"instances": [good]}).status_code == 200


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_the_graph_refuses_with_the_same_words(client, url, bad):
    body, status, field = bad
    check(client.post(url, content=body), status, field)
    assert client.post(url, json={"user_input": "Hello"}).status_code == 200


HUGE = "1" + "0" * 400
INNER = {
    "seconds of 400 digits": (
        f'"steps": [{{"name": "n", "model": "m", "seconds": {HUGE}}}]',
        "steps[0].seconds",
    ),
    "confidence of 400 digits": (f'"language_confidence": {HUGE}', "language_confidence"),
    "seconds below zero": (
        '"steps": [{"name": "n", "model": "m", "seconds": -1}]',
        "steps[0].seconds",
    ),
    "steps not a list": ('"steps": {}', "steps"),
    "route not a text": ('"route": []', "route"),
    "response_en not a text": ('"response_en": {}', "response_en"),
}


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
@pytest.mark.parametrize("name", NAMES[1:])
def test_a_predictor_refuses_what_no_predictor_writes(client, url, name, inner):
    text, field = inner
    body = f'{{"instances": [{{"user_input": "hi", {text}}}]}}'.encode()
    response = client.post(f"{url}/v1/models/{name}:predict", content=body)
    check(response, 400, f"instances[0].{field}")


@pytest.mark.parametrize("name", ["", *NAMES])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(request=requests)
def test_no_json_makes_a_server_fail(client, url, name, request):
    path = f"{url}/v1/models/{name}:predict" if name else url
    body = json.dumps(request)
    response = client.post(path, content=body.encode())
    late = {504} if '"timeout"' in body or '"deadline"' in body else set()
    assert response.status_code in {200, 400, 413} | late, response.text
    assert list(response.json()) in (["predictions"], ["error", "request_id"])


def test_a_body_over_the_limit_is_refused(client, url):
    too_large = b" " * (contract.PUBLIC.limits.body + 1)
    check(client.post(url, content=too_large), 413, "body")
    check(client.post(f"{url}/v1/models/detector:predict", content=too_large), 413, "body")
    streamed = iter([too_large])
    check(client.post(f"{url}/v1/models/detector:predict", content=streamed), 413, "body")
    assert client.post(url, json={"user_input": "Hello"}).status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent(url):
    host, port = url.removeprefix("http://").split(":")
    for name in NAMES[1:]:
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/models/{name}:predict HTTP/1.1\r\nhost: x\r\ncontent-length: "
            connection.sendall(f"{head}{contract.INNER.limits.body + 1}\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("field", ["language", "previous_language"])
def test_a_language_that_is_not_served_is_refused_with_the_served_ones(client, url, field):
    body = {"instances": [{"user_input": "Hallo", field: "de"}]}
    for path in ("/", "/v1/models/detector:predict"):
        response = client.post(url + path, json=body)
        check(response, 400, f"instances[0].{field}")
        assert "en, fr" in response.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "application/cloudevents+json"},
        {"ce-id": "1", "ce-source": "x", "ce-type": "y", "ce-specversion": "1.0"},
        {"inference-header-content-length": "many"},
    ],
)
def test_headers_do_not_change_how_a_body_is_read(client, url, headers):
    response = client.post(
        f"{url}/v1/models/chat:predict", content=b'{"user_input": "Hi"}', headers=headers
    )
    assert response.status_code == 200
    assert response.json()["predictions"][0]["response"] == "You said: Hi"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models/nobody:predict"),
        ("POST", "/v1/models/chat:explain"),
        ("POST", "/v2/repository/models/chat/unload"),
        ("DELETE", "/v1/models/chat"),
        ("GET", "/v1/models/nobody"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    ],
)
def test_a_predictors_server_offers_nothing_else(client, serve_app, method, path):
    [_, _, _, chat] = predictors()
    url = serve_app(RequestGuard(build_app([chat]), [chat]))
    response = client.request(method, url + path)
    assert response.status_code in (404, 405)
    assert list(response.json()) == ["error"] + ["request_id"] * (method == "POST")
    assert client.get(f"{url}/v1/models/chat").json() == {"name": "chat", "ready": True}
