"""Chat completions of any kind: an answer, or a refusal in OpenAI's words; never anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.http.events import EventReader
from graph.local.app import app_of, with_gateway
from tests.conftest import served
from tests.fuzz.effort import tries
from tests.graph.gateway.playing import Gate, Writes, local_graph
from tests.requests import json_values

MODELS = {"/v1/chat/completions": "multilingual-chat", "/openai/v1/chat/completions": "chat"}
WORDS = st.text(max_size=30) | st.sampled_from(
    ["Bonjour, ça va bien ?", "Hello. How are you?", "```\nx = 1\n```", "", " ", "\x00", "\ud800"]
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "developer", "tool"])},
        optional={"content": WORDS | json_values, "name": WORDS, "tool_calls": json_values},
    ),
    max_size=5,
)
REQUESTS = st.fixed_dictionaries(
    {"messages": MESSAGES.map(lambda said: [*said, {"role": "user", "content": "Bonjour"}])},
    optional={
        "stream": st.booleans(),
        "temperature": st.sampled_from([0, 1, 2, -1, 1e400, True, "1"]),
        "max_tokens": st.sampled_from([1, 5, 0, 10**30, 1.5]),
        "stop": WORDS | json_values,
        "parley": st.dictionaries(
            st.sampled_from(["language", "timeout", "previous_language", "request_id"]),
            WORDS | json_values | st.sampled_from(["fr", 30]),
        ),
        "tools": json_values,
        "n": st.integers(0, 2),
    },
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    local = Gate(local_graph(Writes("You said: {}. Fine!".format))).local
    with served(with_gateway(app_of(local), local)) as url:
        yield url


def check(answer: httpx2.Response, stream: bool) -> None:
    if answer.status_code != 200:
        assert answer.status_code in (400, 404, 413, 504), answer.text
        error = answer.json()["error"]
        assert error["message"] and error["type"] and "Traceback" not in answer.text
    elif stream:
        *events, done = EventReader().feed(answer.content)
        assert done == "[DONE]" or "error" in json.loads(done)
        assert [json.loads(text)["object"] for text in events]
    else:
        assert isinstance(answer.json()["choices"][0]["message"]["content"], str)


@pytest.mark.parametrize("path", MODELS)
@tries(40)
@given(request=REQUESTS)
def test_a_request_near_the_rules_is_answered_or_refused(
    url: str, path: str, request: dict[str, Any]
) -> None:
    body = json.dumps({"model": MODELS[path], **request}).encode()
    check(httpx2.post(url + path, content=body), request.get("stream") is True)


@pytest.mark.parametrize("path", MODELS)
@tries(25)
@given(body=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused(url: str, path: str, body: bytes) -> None:
    answer = httpx2.post(url + path, content=body)
    assert answer.status_code == 400
    check(answer, stream=False)
