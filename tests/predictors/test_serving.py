"""A predictor as a process of its own: start, readiness, messages, drain."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx2
import pytest

from predictors.door.handler import Handler
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app
from tests.predictors.door.waiting import BODY, Degrades, Waits
from tests.processes import free_port, stop_unheard

DETECTOR = [sys.executable, "-m", "predictors.detector", "--host", "127.0.0.1"]


@contextmanager
def started(*arguments):
    """A detector process that has said it is ready, with its URL."""
    port = free_port()
    process = subprocess.Popen(
        [*DETECTOR, "--model_name", "detector", "--http_port", str(port), *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stderr
    assert said is not None
    try:
        assert any("is ready" in line for line in said)
        # The pipe must not fill up and block the process.
        threading.Thread(target=said.read, daemon=True).start()
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        said.close()


def run(*arguments, **environ):
    return subprocess.run(
        [*DETECTOR, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_process_serves_and_stops_cleanly_on_sigterm():
    with started("--drain_delay", "0") as (process, url):
        assert httpx2.get(f"{url}/v1/models/detector").json() == {"name": "detector", "ready": True}
        assert httpx2.get(f"{url}/").status_code == 200
        body = {"instances": [{"user_input": "Où est la gare, s'il vous plaît ?"}]}
        answer = httpx2.post(f"{url}/v1/models/detector:predict", json=body).json()
        assert answer["predictions"][0]["language"] == "fr"
        assert "request_predict_seconds" in httpx2.get(f"{url}/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_a_process_stops_though_nobody_reads_its_log():
    assert stop_unheard(*DETECTOR[1:], "--model_name=d", "--http_port=0", "--drain_delay=0") == 0


def test_a_process_describes_itself_when_it_is_asked_to():
    with started("--openapi", "yes") as (_, url):
        assert list(httpx2.get(f"{url}/openapi.json").json()["paths"]) == [
            "/v1/models/detector:predict"
        ]


def test_while_it_drains_it_still_answers_and_closes_its_connections():
    with started("--drain_delay", "60") as (process, url), httpx2.Client() as client:
        predict = f"{url}/v1/models/detector:predict"
        assert "connection" not in client.post(predict, content=BODY).headers
        process.send_signal(signal.SIGTERM)
        statuses = iter(lambda: client.get(f"{url}/v1/models/detector").status_code, None)
        assert next(status for status in statuses if status != 200) == 503
        answer = client.post(predict, content=BODY)
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_help_explains_every_option_with_its_variable():
    result = run("--help")
    assert result.returncode == 0
    for name in ("model_name", "languages", "http_port", "request_timeout", "drain_delay"):
        assert f"--{name}" in result.stdout
        assert f"PARLEY_{name.upper()}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        ([], {}, "required: --model_name"),
        (["--model_name", "d", "--colour", "red"], {}, "unrecognized arguments: --colour red"),
        (
            ["--model_name", "d", "--http_port", "many"],
            {},
            "--http_port: invalid int value: 'many'",
        ),
        (["--model_name", "d"], {"PARLEY_LOG_LEVEL": "loud"}, "--log_level: choose from debug"),
        (["--model_name", "d", "--languages", "en,xx"], {}, "'xx' is no known language"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(arguments, environ, words):
    result = run(*arguments, **environ)
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert words in line


def test_a_port_in_use_is_one_line_and_exit_code_1():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = run("--model_name", "detector", "--http_port", port)
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert f"port {port} on 127.0.0.1 is in use" in line


class SaysWhenItWorks(Waits):
    """Waits on threads' events, so that a test can look in from outside the server's loop."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Event()
        self.left = threading.Event()

    async def predict(self, instances):
        self.begun.set()
        try:
            return await super().predict(instances)
        finally:
            self.left.set()


def test_a_client_that_goes_away_stops_the_work(serve_app):
    predictor = SaysWhenItWorks()
    handler = Handler(predictor)
    handler.load()
    url = serve_app(RequestGuard(build_app([handler]), [handler]))
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/models/waits:predict HTTP/1.1\r\nhost: x\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
        )
        assert predictor.begun.wait(60)
    assert predictor.left.wait(60)
    assert predictor.cancelled == 1


@pytest.mark.parametrize("sent", [b"", b'{"user_input": '])
def test_an_upload_that_the_client_gives_up_is_no_error_of_the_server(serve_app, caplog, sent):
    handler = Handler(Waits())
    handler.load()
    url = serve_app(RequestGuard(build_app([handler]), [handler]))
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = b"POST /v1/models/waits:predict HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
        connection.sendall(head + b"content-length: 1000\r\n\r\n" + sent)
        # uvicorn asks for the body when the application reads it: now the request is under way.
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert httpx2.get(f"{url}/v1/models/waits").status_code == 200
    assert caplog.text == ""


def test_a_model_that_is_not_loaded_is_not_ready(serve_app):
    handler = Handler(Waits())
    url = serve_app(RequestGuard(build_app([handler]), [handler]))
    ready = httpx2.get(f"{url}/v1/models/waits")
    assert ready.status_code == 503
    predict = httpx2.post(f"{url}/v1/models/waits:predict", content=BODY)
    assert predict.status_code == 503
    assert json.loads(predict.text)["error"]
    assert httpx2.get(f"{url}/").status_code == 200


def test_a_predictor_that_can_passes_turns_on_while_it_is_not_ready(serve_app):
    """A model that is being probed again, say: KServe's own check would refuse the request."""
    handler = Handler(Degrades())
    url = serve_app(RequestGuard(build_app([handler]), [handler]))
    assert httpx2.get(f"{url}/v1/models/waits").status_code == 503
    answer = httpx2.post(f"{url}/v1/models/waits:predict", content=BODY)
    assert answer.status_code == 200
    [turn] = answer.json()["predictions"]
    assert turn["degraded"] == [{"step": "waits", "reason": "not-ready"}]
    assert httpx2.post(f"{url}/v1/models/other:predict", content=BODY).status_code == 404
