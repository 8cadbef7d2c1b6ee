"""Defects of KServe's Python server that ours must not have: see manifests/DEFECTS.md."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.door.handler import Handler
from predictors.door.middleware import RequestGuard
from predictors.engine import Sampling
from predictors.engines.llamacpp import LlamaCpp
from predictors.models.resolve import resolve
from predictors.serving import build_app
from tests.fakes import predictors

SECRET = "a-secret-of-the-client"
Serve = Callable[[Any], str]


@pytest.mark.models
def test_while_a_turn_is_under_way_liveness_and_readiness_are_answered(serve_app: Serve) -> None:
    """By llama.cpp on this machine's processor; a loop that it held would answer once, and late."""
    engine = LlamaCpp(resolve("embedded:smollm2-135m-instruct").path, "smollm2", threads=1)
    handler = Handler(Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=100)))
    handler.load()
    url = serve_app(RequestGuard(build_app([handler]), [handler]))
    answered = 0
    with ThreadPoolExecutor() as pool:
        turn = pool.submit(ask, f"{url}/v1/models/chat:predict")
        while not turn.done():
            for path in ("/", "/v1/models/chat"):
                assert httpx2.get(url + path, timeout=60).status_code == 200
            answered += not turn.done()
    assert turn.result().status_code == 200
    assert answered >= 3
    engine.close()


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_no_answer_holds_a_header_of_the_request(verb: str, serve_app: Serve) -> None:
    [_, _, _, chat] = predictors()
    url = serve_app(RequestGuard(build_app([chat]), [chat]))
    answer = ask(
        f"{url}/v1/models/chat:{verb}",
        {"authorization": f"Bearer {SECRET}", "cookie": f"session={SECRET}", "x-mine": SECRET},
    )
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)


def ask(url: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.post(
        url, json={"user_input": "Tell me a long story."}, headers=headers or {}, timeout=60
    )
