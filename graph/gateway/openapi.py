"""OpenAI's paths as an OpenAPI document has them, made of what is read and refused.

It accepts whatever is accepted. The reverse does not hold: that a conversation ends with its user's
message, that this one is not blank and within the limits of a turn, that `stream_options` goes with
`stream`, a language beside a model that names another one, and half of a surrogate pair are refused
too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.completions.messages import ASSISTANT, MOST_MESSAGES, NOT_SUPPORTED, SYSTEM, USER
from graph.completions.request import (
    LARGEST_SEED,
    LONGEST_STOP,
    MOST_STOPS,
    MOST_TOKENS,
    NEUTRAL,
    PARLEY,
    TOKENS,
    WITHOUT_EFFECT,
)
from graph.gateway.app import CHAT, MODELS
from graph.gateway.gateway import ASKED
from graph.http.events import DONE, MEDIA_TYPE
from graph.http.openapi import Json, field_schema, list_of, object_of, text_of
from graph.turn.answers import Finish
from graph.turn.limits import PUBLIC_LIMITS

_STATUSES = {
    400: "A parameter is wrong or not supported; `param` is its name.",
    401: "No API key came, or none that is known.",
    404: "No such model, or no branch of the graph takes the conversation.",
    408: "The request did not arrive in time.",
    413: "The body, a list or a text is over its limit.",
    500: "A model failed.",
    502: "A step of the graph answered what it may not.",
    503: "There is no room, or the graph is not ready.",
    504: "The answer did not come in time.",
}
_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer", "minimum": 0}
_OBJECT: Json = {"type": "object"}


def completion_paths(models: Sequence[str]) -> Mapping[str, Json]:
    """models: the names that a request may give."""
    name: Json = {
        "name": "model", "in": "path", "required": True, "schema": {"enum": list(models)}
    }  # fmt: skip
    listed = object_of({"object": {"const": "list"}, "data": {"type": "array", "items": _model()}})
    return {
        CHAT: {
            "post": {
                "summary": "Answers a conversation, in one piece or as a stream of events.",
                "requestBody": {"required": True, "content": _json(request_schema(models))},
                "responses": _answers({**_json(_completion()), MEDIA_TYPE: {"schema": _event()}}),
            }
        },
        MODELS: {"get": {"summary": "Lists the models.", "responses": _answers(_json(listed))}},
        f"{MODELS}/{{model}}": {
            "get": {
                "summary": "Describes a model.",
                "parameters": [name],
                "responses": _answers(_json(_model())),
            }
        },
    }


def request_schema(models: Sequence[str]) -> Json:
    """The body of a request. Null stands for a parameter that is left out."""
    neutral: dict[str, Json] = {name: {"enum": list(values)} for name, values in NEUTRAL.items()}
    ignored: dict[str, Json] = {name: {} for name in WITHOUT_EFFECT}
    may = {name: _or_null(schema) for name, schema in (_parameters() | neutral | ignored).items()}
    must: dict[str, Json] = {
        "model": {"enum": list(models)},
        "messages": list_of(_message(), MOST_MESSAGES),
    }
    return object_of(must | may, required=must)


def _parameters() -> dict[str, Json]:
    stop: Json = {"type": "string", "minLength": 1, "maxLength": LONGEST_STOP}
    tokens: Json = {"type": "integer", "minimum": 1, "maximum": MOST_TOKENS}
    parley = {name: field_schema(name, PUBLIC_LIMITS) for name in ASKED}
    options: dict[str, Json] = {
        "include_usage": _or_null({"type": "boolean"}), "include_obfuscation": {}
    }  # fmt: skip
    return {
        "stream": {"type": "boolean"},
        "stream_options": object_of(options, required=()),
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "seed": {"type": "integer", "minimum": -LARGEST_SEED, "maximum": LARGEST_SEED - 1},
        "stop": {"anyOf": [stop, list_of(stop, MOST_STOPS, least=0)]},
        PARLEY: object_of(parley, required=()),
        **dict.fromkeys(TOKENS, tokens),
    }


def _message() -> Json:
    """Other keys, such as a name, are left alone."""
    text = text_of(PUBLIC_LIMITS.text)
    part: Json = {
        "type": "object",
        "properties": {"type": {"const": "text"}, "text": text},
        "required": ["type", "text"],
    }
    nothing: Json = {"enum": [None, False, 0, "", [], {}]}
    return {
        "type": "object",
        "properties": {
            "role": {"enum": [*SYSTEM, USER, ASSISTANT]},
            "content": {"anyOf": [text, {"type": "array", "items": part}]},
            **dict.fromkeys(NOT_SUPPORTED, nothing),
        },
        "required": ["role", "content"],
    }


def _completion() -> Json:
    message = {"role": {"const": ASSISTANT}, "content": _TEXT, "refusal": {"type": "null"}}
    choice = _choice({"enum": list(Finish)}) | {"message": object_of(message)}
    return _answer_of("chat.completion", list_of(object_of(choice | {PARLEY: _OBJECT}), 1))


def _event() -> Json:
    """One event of a stream. Its `data` is a chunk or an error as JSON, and at the end a word."""
    json: Json = {
        "contentMediaType": "application/json",
        "contentSchema": {"anyOf": [_chunk(), _error()]},
    }
    data: Json = {"type": "string", "anyOf": [{"const": DONE}, json]}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def _chunk() -> Json:
    delta = object_of({"role": {"const": ASSISTANT}, "content": _TEXT}, required=())
    fields = _choice({"enum": [None, *Finish]}) | {"delta": delta}
    choice = object_of(fields | {PARLEY: _OBJECT}, required=fields)
    return _answer_of("chat.completion.chunk", list_of(choice, 1, least=0))


def _choice(finish: Json) -> dict[str, Json]:
    return {"index": {"const": 0}, "finish_reason": finish, "logprobs": {"type": "null"}}


def _answer_of(kind: str, choices: Json) -> Json:
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    fields: dict[str, Json] = {
        "id": _TEXT,
        "object": {"const": kind},
        "created": _NUMBER,
        "model": _TEXT,
        "choices": choices,
    }
    usage = object_of(dict.fromkeys(counts, _NUMBER))
    return object_of(fields | {"usage": usage}, required=fields)


def _model() -> Json:
    fields = {"id": _TEXT, "object": {"const": "model"}, "created": _NUMBER, "owned_by": _TEXT}
    return object_of(fields)


def _answers(content: Json) -> Json:
    errors = {str(status): _answer(words, _json(_error())) for status, words in _STATUSES.items()}
    return {"200": _answer("The answer.", content), **errors}


def _answer(description: str, content: Json) -> Json:
    return {"description": description, "content": content}


def _error() -> Json:
    text: Json = {"type": "string", "minLength": 1}
    fields: dict[str, Json] = {
        "message": text,
        "type": {"enum": ["invalid_request_error", "server_error"]},
        "param": _or_null(text),
        "code": _or_null(text),
    }
    return object_of({"error": object_of(fields | {"request_id": text}, required=fields)})


def _json(schema: Json) -> dict[str, Json]:
    return {"application/json": {"schema": schema}}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}
