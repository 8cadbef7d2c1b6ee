"""A predictor is stopped while its engine works on a request."""

from __future__ import annotations

import threading

import httpx2
import pytest

from tests.predictors.engines.openai_server import Server
from tests.stopping import at_work

SMOLLM = ("--model=embedded:smollm2-135m-instruct", "--max_tokens=200", "--threads=1")


@pytest.mark.models
def test_a_request_in_llama_cpp_is_answered_before_the_process_ends() -> None:
    with at_work("chat", SMOLLM) as working:
        answer = working.stop()
    assert answer.status_code == 200
    assert answer.json()["predictions"][0]["response"]


@pytest.mark.models
def test_a_killed_process_loses_what_it_worked_on_and_nothing_that_is_kept() -> None:
    with at_work("chat", SMOLLM) as working:
        working.kill()
        with pytest.raises(httpx2.RemoteProtocolError):
            working.answer.result()
    with at_work("chat", SMOLLM) as working:
        assert working.stop().status_code == 200


def test_a_request_at_another_server_is_answered_before_the_process_ends(server: Server) -> None:
    go = threading.Event()
    server.answers = [go, (200, {"choices": [{"message": {"content": "Hello."}}]})]
    model = f"--model=openai:llama@{server.url}"
    with at_work("chat", [model], under_way=server.asked) as working:
        answer = working.stop(then=go.set)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["response"] == "Hello."
