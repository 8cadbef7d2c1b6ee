"""What is answered to a chat completion, in OpenAI's words: whole, in chunks, or an error.

Parley's own fields stand beside the first choice, under the key `parley`: in a stream all of them
in the last chunk that has a choice, and in the first one those that are known by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graph.asgi import Answer, json_answer, retry_after_of
from graph.completions.request import PARLEY
from graph.errors import ParleyError, RequestError
from graph.turn.answers import Finish

Json = dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Tokens, as the chat's own model counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def as_json(self) -> Json:
        return {**asdict(self), "total_tokens": self.prompt_tokens + self.completion_tokens}


@dataclass(frozen=True)
class Ending:
    """How an answer ended.

    usage: None where nobody counted; it is left out then, which OpenAI's protocol allows.
    parley: the fields of the turn that the protocol has no place for; of them `response` is left
    out, which is the text itself.
    """

    finish: Finish
    usage: Usage | None
    parley: Mapping[str, Any]


@dataclass(frozen=True)
class Completion:
    """One completion's name, time and model, which each part of it repeats.

    created: seconds since the epoch.
    """

    request_id: str
    created: int
    model: str

    def whole(self, text: str, ending: Ending) -> Json:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = self._choice(ending.finish, ending.parley) | {"message": message}
        usage = {"usage": ending.usage.as_json()} if ending.usage else {}
        return self._head("chat.completion", [choice]) | usage

    def first_chunk(self, told: Mapping[str, Any]) -> Json:
        return self._chunk({"role": "assistant", "content": ""}, told)

    def chunk(self, text: str) -> Json:
        return self._chunk({"content": text}, {})

    def last_chunk(self, ending: Ending) -> Json:
        choice = self._choice(ending.finish, ending.parley) | {"delta": {}}
        return self._head("chat.completion.chunk", [choice])

    def usage_chunk(self, usage: Usage) -> Json:
        return self._head("chat.completion.chunk", []) | {"usage": usage.as_json()}

    def _chunk(self, delta: Json, told: Mapping[str, Any]) -> Json:
        return self._head("chat.completion.chunk", [self._choice(None, told) | {"delta": delta}])

    def _choice(self, finish: Finish | None, parley: Mapping[str, Any]) -> Json:
        choice: Json = {"index": 0, "finish_reason": finish, "logprobs": None}
        return choice | ({PARLEY: parley} if parley else {})

    def _head(self, kind: str, choices: Sequence[Json]) -> Json:
        return {
            "id": f"chatcmpl-{self.request_id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }


def list_models(names: Sequence[str], created: int) -> Json:
    return {"object": "list", "data": [describe_model(name, created) for name in names]}


def describe_model(name: str, created: int) -> Json:
    return {"id": name, "object": "model", "created": created, "owned_by": "parley"}


def error_json(err: ParleyError) -> Json:
    """An error as OpenAI's clients read it; `request_id` is ours."""
    wrong = 400 <= err.status < 500
    error = {
        "message": err.message,
        "type": "invalid_request_error" if wrong else "server_error",
        "param": err.field if isinstance(err, RequestError) else None,
        "code": _CODES.get(err.status),
    }
    return {"error": error | ({"request_id": err.request_id} if err.request_id else {})}


def answer_error(err: ParleyError) -> Answer:
    return json_answer(err.status, error_json(err), retry_after_of(err))


_CODES = {
    401: "invalid_api_key",
    404: "model_not_found",
    413: "too_large",
    503: "overloaded",
    504: "timeout",
}
