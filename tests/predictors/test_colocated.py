"""Several predictors in one process, on one port."""

import json
import signal
import subprocess
import sys

import httpx2
import pytest

from predictors.colocated.__main__ import build
from predictors.door.handler import Handler
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app
from predictors.settings import OptionError
from tests.fakes import predictors
from tests.processes import free_port

MODEL = "--model=openai:m@http://127.0.0.1:9/v1"
FRENCH = ["predictors.translator", "--model_name=to-english", "--source=fr", "--target=en", MODEL]
EMBEDDED_CHAT = "--model=embedded:smollm2-135m-instruct"
CHAT = ["predictors.chat", "--model_name", "chat", MODEL]


def test_each_predictor_has_its_own_options_and_the_server_has_its_own():
    argv = ["--http_port=9000", *FRENCH, "--max_inflight=3", *CHAT]
    environ = {"PARLEY_DRAIN_SECONDS": "7", "PARLEY_REQUEST_TIMEOUT": "9"}
    built, server = build(argv, environ)
    assert (server.http_port, server.drain_seconds) == (9000, 7)
    assert [(p.name, s.max_inflight, s.request_timeout) for p, s in built] == [
        ("to-english", 3, 9),
        ("chat", 64, 9),
    ]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "no predictor: write predictors.chat or predictors.translator and its options"),
        (["--colour=red", *CHAT], "unrecognized arguments: --colour=red"),
        ([*CHAT, "--colour=red"], "predictor 1, predictors.chat: unrecognized arguments: --colour"),
        (
            [*CHAT, *FRENCH[:2], "--source=fr", MODEL],
            "predictor 2, predictors.translator: the following arguments are required: --target",
        ),
        (
            [*CHAT, "--http_port=1"],
            "predictor 1, predictors.chat: --http_port is the server's; write it before",
        ),
        ([*CHAT, *CHAT], "--model_name: chat stands there twice"),
        ([*CHAT, "predictors.chatt"], "predictor 2, predictors.chatt: does not run beside others"),
        (["predictors.detector", "--model_name=d"], "choose from predictors.chat, predictors.tran"),
    ],
)
def test_a_mistake_is_one_line_that_says_whose_it_is(argv, words):
    with pytest.raises(OptionError) as caught:
        build(argv, {})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_that_are_not_pulled_are_named_together(tmp_path):
    argv = [*FRENCH[:-1], "--model=hf:a/b@c", *CHAT[:-1], "--model=hf:d/e@f"]
    command = [sys.executable, "-m", "predictors.colocated", *argv]
    done = subprocess.run(
        command, env={"PARLEY_MODELS": str(tmp_path)}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "parley models pull hf:a/b@c hf:d/e@f" in done.stderr


def test_it_is_ready_when_all_are(serve_app):
    handlers = predictors()
    waiting = handlers[3] = Handler(handlers[3].predictor)
    url = serve_app(RequestGuard(build_app(handlers), handlers))
    answer = httpx2.get(f"{url}/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.text) == {"ready": False, "waiting": ["chat"]}
    waiting.load()
    assert httpx2.get(f"{url}/readyz").status_code == 200


@pytest.mark.models
def test_one_process_serves_each_by_its_name_and_stops_cleanly():
    port = free_port()
    command = [sys.executable, "-m", "predictors.colocated", "--host=127.0.0.1"]
    blocks = [*FRENCH[:-1], "--model=embedded:gemma3-270m", *CHAT[:-1]]
    process = subprocess.Popen(
        [*command, f"--http_port={port}", "--drain_delay=0", *blocks, EMBEDDED_CHAT],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process:
        try:
            assert any("to-english, chat are ready" in line for line in process.stderr)
            url = f"http://127.0.0.1:{port}"
            assert httpx2.get(f"{url}/readyz").json() == {"ready": True, "waiting": []}
            assert httpx2.get(f"{url}/v1/models").json() == {"models": ["to-english", "chat"]}
            assert predicted(url, "to-english", "fr", "Bonjour")["user_input_en"]
            assert predicted(url, "chat", "en", "Hello")["response_en"]
            process.send_signal(signal.SIGTERM)
            assert "to-english, chat stopped" in process.stderr.read()
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


def predicted(url, name, language, text):
    body = {"instances": [{"user_input": text, "language": language}]}
    answer = httpx2.post(f"{url}/v1/models/{name}:predict", json=body, timeout=60)
    return answer.json()["predictions"][0]
