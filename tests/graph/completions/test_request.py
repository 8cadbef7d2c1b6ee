"""What a chat completion may ask for: all of it is taken, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.completions.messages import ChatMessage, read_messages
from graph.completions.request import AnswerOptions, read_request
from graph.errors import RequestError
from tests.requests import json_values

HI = [{"role": "user", "content": "Hi"}]
ASKED: dict[str, Any] = {"model": "parley", "messages": HI}


def test_everything_that_is_supported_is_read() -> None:
    read = read_request(
        ASKED
        | {"max_tokens": 9, "max_completion_tokens": 7, "temperature": 1, "top_p": 0.5}
        | {"seed": -3, "stop": ["a", "b"], "stream": True, "user": "u-1", "n": 1}
        | {"stream_options": {"include_usage": True}, "parley": {"language": "fr"}, "tools": None}
    )
    assert read.options == AnswerOptions("", 7, 1.0, 0.5, -3, ("a", "b"))
    assert (read.model, read.stream, read.include_usage) == ("parley", True, True)
    assert read.messages == (ChatMessage("user", "Hi"),)
    assert read.parley == {"language": "fr"}


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """JSON has one kind of number, and some languages write every one of them so."""
    read = read_request(ASKED | {"seed": 2.0, "max_tokens": 7.0})
    assert (read.options.seed, read.options.max_tokens) == (2, 7)
    assert isinstance(read.options.seed, int)


def test_messages_in_turn_are_read_and_those_of_one_role_become_one() -> None:
    system, messages = read_messages(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "One,"}]},
            {"role": "user", "content": "two", "name": "Ana"},
            {"role": "assistant", "content": "Three.", "tool_calls": None, "refusal": None},
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Four"},
        ]
    )
    assert system == "Be kind.\n\nBe brief."
    assert messages == (
        ChatMessage("user", "One,\n\ntwo"),
        ChatMessage("assistant", "Three."),
        ChatMessage("user", "Four"),
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": None}, "model"),
        ({"messages": {}}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "\x00"}]}, "messages[0].content"),
        ({"messages": [*HI, {"role": "assistant", "tool_calls": [1]}]}, "messages[1].tool_calls"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0]",
        ),
        ({"messages": HI * 2_001}, "messages"),
        ({"tools": [1]}, "tools"),
        ({"n": 2}, "n"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"tempreature": 1}, "tempreature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": 1.5}, "seed"),
        ({"seed": 2.0**63}, "seed"),
        ({"max_tokens": float("inf")}, "max_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": ""}, "stop[0]"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {}}, "stream_options"),
        ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x"),
        ({"parley": []}, "parley"),
    ],
)
def test_what_is_wrong_or_not_supported_is_refused_by_name(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestError) as caught:
        read_request(ASKED | change)
    assert caught.value.field == field


NAMES = st.sampled_from(["messages", "stop", "stream", "stream_options", "n", "tools", "seed", "x"])


@given(json_values | st.dictionaries(NAMES, json_values).map(lambda changes: ASKED | changes))
def test_any_json_is_read_or_refused(payload: Any) -> None:
    try:
        assert read_request(payload).messages
    except RequestError as err:
        assert err.field
