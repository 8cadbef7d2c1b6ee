"""`parley serve` as a process: how it ends at each moment, and what a browser may do."""

import os
import signal
import threading

import httpx2
import pytest

from graph.cli.main import main
from graph.local.app import app_of
from graph.local.serve import allow_origins
from tests.fakes import embedded_graph, predictors
from tests.processes import started, stop_unheard

FILE = """
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: languages}
spec: {nodes: {root: {routerType: Sequence, steps: [{serviceName: detector}]}}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: detector}
spec:
  predictor:
    containers:
      - name: kserve-container
        image: x
        command: [python, -m, predictors.detector]
        args: [--model_name=detector]
"""


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "languages.yaml"
    file.write_text(FILE)
    return str(file)


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "answer"
    os.mkfifo(path)
    return str(path)


class Asking(threading.Thread):
    """A request on a thread of its own."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.answer = None
        self.start()

    def run(self):
        self.answer = httpx2.post(self.url, json={"user_input": "Hello there"}, timeout=60)

    def result(self):
        self.join()
        return self.answer


def asked(process):
    """A request at which the model is at work."""
    asking = Asking(process.wait_for(r"ready at (http://\S+)")[1])
    process.wait_for("the model works")
    return asking


def blocked(fifo, drain_seconds):
    return started("-m", "tests.graph.local.blocked", fifo, str(drain_seconds))


def test_ctrl_c_drains_and_says_so(fifo):
    with blocked(fifo, 60) as process:
        asking = asked(process)
        process.send(signal.SIGINT)
        process.wait_for("stopping when all requests are answered: 1 under way; Ctrl-C again")
        with open(fifo, "w") as answer:
            answer.write("Here I am.")
        assert asking.result().json()["predictions"][0]["response"] == "Here I am."
        assert process.wait() == 0
        assert "Traceback" not in process.stderr


def test_a_second_ctrl_c_refuses_what_is_under_way(fifo):
    with blocked(fifo, 60) as process:
        asking = asked(process)
        process.send(signal.SIGINT)
        process.wait_for("stopping when all requests are answered")
        process.send(signal.SIGINT)
        process.wait_for("stopping at once: 1 request is refused")
        assert asking.result().status_code == 503
        assert asking.result().json() == {"error": "the server was stopped"}
        # A thread that works on, whatever is asked of it, does not keep the process.
        assert process.wait() in (0, 1)
        assert "Traceback" not in process.stderr


def test_it_stops_though_nobody_reads_what_it_says(file):
    assert stop_unheard("-m", "graph.cli", "serve", file, "--port=0") == 0


def test_past_the_drain_what_is_under_way_is_refused_without_a_traceback(fifo):
    with blocked(fifo, 1) as process:
        asking = asked(process)
        process.send(signal.SIGTERM)
        assert asking.result().status_code == 503
        assert process.wait() == 0
        assert "Traceback" not in process.stderr
        assert "Task" not in process.stderr


def importing(process):
    """Until Python has taken SIGINT, and the command line has let go of it."""
    process.wait_until_caught(True)
    process.wait_until_caught(False)


def loading(process):
    process.wait_until_mapped("lingua")
    process.wait_until_caught(True)


MOMENTS = {
    "importing": importing,
    "building": lambda process: process.wait_until_mapped("lingua"),
    "loading": loading,
    "ready": lambda process: process.wait_for("is ready"),
}
COMMANDS = {
    "parley serve": ("graph.cli", "serve", "FILE", "--port", "0"),
    "detector": ("predictors.detector", "--model_name=d", "--http_port=0", "--host=127.0.0.1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_at_no_moment_does_ctrl_c_leave_a_traceback(file, moment, command):
    with started("-m", *(file if word == "FILE" else word for word in command)) as process:
        moment(process)
        process.send(signal.SIGINT)
        assert process.wait() in (0, -signal.SIGINT)
        assert "Traceback" not in process.stderr
        assert "Exception" not in process.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_impatience_leaves_no_traceback_either(file, command):
    with started("-m", *(file if word == "FILE" else word for word in command)) as process:
        process.wait_for("is ready")
        for _ in range(3):
            process.send(signal.SIGINT)
        assert process.wait() in (0, 1, -signal.SIGINT)
        assert "Traceback" not in process.stderr
        assert "Exception" not in process.stderr


ORIGIN = "http://localhost:3000"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}


@pytest.mark.parametrize("allowed", [ORIGIN, "*"])
def test_a_page_of_an_allowed_origin_may_call_it(serve_app, allowed):
    app = app_of(embedded_graph(predictors()))
    url = serve_app(allow_origins(app, ["https://chat.example.com", allowed]))
    for path in ("/", "/v1/models/detector:predict"):
        preflight = httpx2.options(url + path, headers=PREFLIGHT)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == allowed
        assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
        for body in ({"user_input": "Hello"}, {}):
            answer = httpx2.post(url + path, json=body, headers={"origin": ORIGIN})
            assert answer.status_code == (200 if body else 400)
            assert answer.headers["access-control-allow-origin"] == allowed
    foreign = {**PREFLIGHT, "origin": "http://evil.example.com"}
    refused = httpx2.options(url, headers=foreign)
    assert (refused.status_code == 200) is (allowed == "*")


def test_without_an_origin_no_page_may(serve_app):
    url = serve_app(allow_origins(app_of(embedded_graph(predictors())), []))
    answer = httpx2.post(url, json={"user_input": "Hello"}, headers={"origin": ORIGIN})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_the_command_takes_origins(file):
    with started("-m", "graph.cli", "serve", file, "--port", "0", "--cors", ORIGIN) as process:
        url = process.wait_for(r"ready at (http://\S+)")[1]
        preflight = httpx2.options(url, headers=PREFLIGHT)
        assert preflight.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("origin", ["localhost:3000", "http://localhost:3000/", "http://x/y", ""])
def test_an_origin_that_no_browser_sends_is_wrong_usage(file, capsys, origin):
    assert main(["serve", file, "--cors", origin]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"parley: --cors {origin}: not an origin")


def test_a_graph_describes_itself_and_its_predictors_when_it_is_asked_to(file):
    with started("-m", "graph.cli", "serve", file, "--port", "0", "--openapi") as process:
        url = process.wait_for(r"is ready at (http://\S+)")[1]
        paths = httpx2.get(f"{url}/openapi.json").json()["paths"]
    assert list(paths) == ["/", "/v1/models/detector:predict"]
