"""The request of a chat completion, as OpenAI's API has it: read, checked, and nothing guessed.

What changes an answer and is not supported is refused by name; what changes nothing in an answer
(`user`, `metadata` and the like) is taken and left alone. It raises RequestError, whose field is
the parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graph.completions.messages import ChatMessage, read_messages
from graph.errors import RequestError
from graph.turn.checks import kind_of, shown

# The key of Parley's own fields, in a request and in an answer.
PARLEY = "parley"
# The newer name and the older one.
TOKENS = ("max_completion_tokens", "max_tokens")
MOST_STOPS = 4
LONGEST_STOP = 200
MOST_TOKENS = 1_000_000
LARGEST_SEED = 2**63

# What a service that answers needs and an answer does not show.
WITHOUT_EFFECT = frozenset(
    ("user", "metadata", "service_tier", "store", "safety_identifier", "prompt_cache_key")
    + ("prompt_cache_retention", "parallel_tool_calls")
)
# What is not supported, with the values that ask for nothing.
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "prediction": (),
    "reasoning_effort": ("none",),
    "verbosity": (),
    "web_search_options": (),
}


@dataclass(frozen=True)
class AnswerOptions:
    """What one request asks of its answer; what is None or empty is left to whoever answers.

    system: what the model is told before the conversation.  max_tokens: new tokens at most.
    stop: texts at which the answer ends, themselves left out.
    """

    system: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChatRequest:
    """messages: the conversation, without what the system says.  parley: fields of the turn."""

    model: str
    messages: tuple[ChatMessage, ...]
    options: AnswerOptions
    stream: bool
    include_usage: bool
    parley: Mapping[str, Any]


def read_request(payload: Any) -> ChatRequest:
    """The request of a parsed body. Raises RequestError."""
    if not isinstance(payload, dict):
        raise RequestError("body", f"must be a JSON object, not {kind_of(payload)}")
    given = {name: value for name, value in payload.items() if value is not None}
    _refuse_unsupported(given)
    system, messages = read_messages(given.get("messages"))
    stream = _boolean(given, "stream")
    parley = given.get(PARLEY, {})
    if not isinstance(parley, dict):
        raise RequestError(PARLEY, f"must be an object, not {kind_of(parley)}")
    options = AnswerOptions(
        system,
        _max_tokens(given),
        _number(given, "temperature", lambda value: 0 <= value <= 2, "from 0 to 2"),
        _number(given, "top_p", lambda value: 0 < value <= 1, "over 0 and at most 1"),
        _integer(given, "seed", -LARGEST_SEED, LARGEST_SEED - 1),
        _stop(given.get("stop")),
    )
    return ChatRequest(_model(given), messages, options, stream, _usage(given, stream), parley)


def _refuse_unsupported(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name in NEUTRAL and not any(_is_same(value, each) for each in NEUTRAL[name]):
            raise RequestError(name, "not supported; leave it out")
        if name not in _READ and name not in NEUTRAL and name not in WITHOUT_EFFECT:
            raise RequestError(shown(name), "unknown parameter")


def _is_same(value: Any, other: Any) -> bool:
    """Whether they are equal in JSON, where a boolean is no number."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _model(given: Mapping[str, Any]) -> str:
    model = given.get("model")
    if not isinstance(model, str) or not model:
        raise RequestError("model", "missing; GET /v1/models lists those that there are")
    return model


def _max_tokens(given: Mapping[str, Any]) -> int | None:
    """The newer name holds where both are given."""
    named = [_integer(given, name, 1, MOST_TOKENS) for name in TOKENS]
    return next((value for value in named if value is not None), None)


def _usage(given: Mapping[str, Any], stream: bool) -> bool:
    options = given.get("stream_options")
    if options is None:
        return False
    if not stream:
        raise RequestError("stream_options", "only with stream=true")
    if not isinstance(options, dict):
        raise RequestError("stream_options", f"must be an object, not {kind_of(options)}")
    for name in options:
        if name not in ("include_usage", "include_obfuscation"):
            raise RequestError(f"stream_options.{shown(name)}", "unknown parameter")
    return _boolean(options, "include_usage", "stream_options.")


def _boolean(given: Mapping[str, Any], name: str, prefix: str = "") -> bool:
    value = given.get(name)
    if not isinstance(value, bool | None):
        raise RequestError(prefix + name, f"must be true or false, not {kind_of(value)}")
    return bool(value)


def _number(
    given: Mapping[str, Any], name: str, fits: Callable[[float], bool], words: str
) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not fits(value):
        raise RequestError(name, f"must be a number {words}")
    return float(value)


def _integer(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has one kind of number, and 2.0 is a whole one.
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise RequestError(name, f"must be a whole number from {least} to {most}")
    return value


def _stop(value: Any) -> tuple[str, ...]:
    texts = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or len(texts) > MOST_STOPS:
        raise RequestError("stop", f"must be a text or a list of at most {MOST_STOPS} texts")
    for i, text in enumerate(texts):
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_STOP:
            raise RequestError(f"stop[{i}]", f"must be a text of at most {LONGEST_STOP} characters")
    return tuple(texts)


_READ = frozenset(
    ("model", "messages", "stream", "stream_options", "temperature", "top_p", "seed", "stop")
    + (PARLEY, *TOKENS)
)
