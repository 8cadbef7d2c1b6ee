"""An OpenAPI document of the turn, made from the contract's fields and limits.

It accepts whatever the contract accepts. The reverse does not hold, because a schema cannot say
everything: a blank message, a text of too many sentences, half of a surrogate pair, a name of two
turns and a language that is not served are refused too, and the descriptions say so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graph import contract
from graph.contract import INNER, Schema
from graph.turn.checks import (
    CONTROL,
    LANGUAGE_CODE,
    LATEST,
    MOST_SECONDS,
    REQUEST_ID,
    ROUTE_LENGTH,
    TRACEPARENT,
)
from graph.turn.degradation import Reason
from graph.turn.limits import Limits

PATH = "/openapi.json"
# What JSON can hold; a document is written once and not looked into.
Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"

_NO_CONTROL = f"^[^{CONTROL.pattern.strip('[]')}]*$"
_ERRORS = {
    400: "The request is not of the contract; the error begins with the field.",
    404: "Nothing here has that name, or no branch of the graph takes the request.",
    413: "The body, a list or a text is over its limit; the error begins with the field.",
    500: "A model failed.",
    503: "There is no room, or the model is not ready.",
    504: "The answer did not come in time.",
}
# What the graph's own server adds to the answers of its steps.
_GRAPH_ERRORS = _ERRORS | {408: "The request did not arrive in time."}


@dataclass(frozen=True)
class Door:
    """A path that takes turns, and what it takes. graph: whether it is the graph's own."""

    path: str
    schema: Schema
    graph: bool = False


def predictor_door(name: str, schema: Schema) -> Door:
    return Door(f"/v1/models/{name}:predict", schema)


def describe(title: str, doors: Sequence[Door], more: Mapping[str, Json] | None = None) -> Json:
    """The OpenAPI document of a server with these doors. more: its other paths."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": {door.path: {"post": _operation(door)} for door in doors} | dict(more or {}),
        "components": {
            "schemas": {
                "Answer": object_of(
                    {"predictions": list_of(_prediction(), INNER.limits.instances)}
                ),
                "Error": _error(),
            }
        },
    }


def instance_schema(schema: Schema) -> Json:
    """What an instance may be where `schema` is taken."""
    fields = {name: field_schema(name, schema.limits) for name in schema.fields}
    return object_of(fields, required=[contract.USER_INPUT])


def field_schema(name: str, limits: Limits) -> Json:
    """What a field of a turn may be."""
    return _FIELDS[name](limits)


def _operation(door: Door) -> Json:
    errors = _GRAPH_ERRORS if door.graph else _ERRORS
    many = list_of(instance_schema(door.schema), door.schema.limits.instances)
    body = {"anyOf": [object_of({"instances": many}), instance_schema(door.schema)]}
    answers = {"200": _response("One prediction for each instance, in order.", "Answer")}
    answers |= {str(status): _response(words, "Error") for status, words in errors.items()}
    answers["503"] = {**answers["503"], "headers": {"Retry-After": _retry_after()}}
    return {
        "summary": "Sends turns through the graph." if door.graph else "Asks this predictor.",
        "requestBody": {
            "required": True,
            "description": f"At most {door.schema.limits.body} bytes; no two instances share a "
            "request_id.",
            "content": {"application/json": {"schema": body}},
        },
        "responses": answers,
    }


def _response(description: str, component: str) -> dict[str, Json]:
    schema: Json = {"$ref": f"#/components/schemas/{component}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _retry_after() -> Json:
    return {"description": "Seconds until there will be room.", "schema": {"type": "string"}}


def _prediction() -> Json:
    names = [name for name in contract.ALL_FIELDS if name != contract.TIMEOUT]
    required = [contract.USER_INPUT, contract.REQUEST_ID, contract.DEADLINE]
    return object_of({name: _FIELDS[name](INNER.limits) for name in names}, required)


def _error() -> Json:
    text: dict[str, Json] = {"type": "string", "minLength": 1}
    fields: dict[str, Json] = {
        "error": {**text, "description": "One line, which names the field and the fix."},
        "request_id": {**text, "description": "The names of the turns, with commas between."},
        "cause": {**text, "description": "Why the graph's own server refused the request."},
    }
    return object_of(fields, required=["error"])


def object_of(fields: Mapping[str, Json], required: Collection[str] | None = None) -> Json:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields if required is None else required),
        "additionalProperties": False,
    }


def list_of(items: Json, most: int, least: int = 1) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def text_of(most: int, **more: Json) -> Json:
    return {"type": "string", "maxLength": most, "pattern": _NO_CONTROL, **more}


def _number(most: float, **more: Json) -> Json:
    return {"type": "number", "minimum": 0, "maximum": most, **more}


def _message(limits: Limits) -> Json:
    words = f"Not blank; at most {limits.sentences} lines and sentences."
    return text_of(limits.message, minLength=1, description=words)


def _answer(limits: Limits) -> Json:
    return text_of(limits.answer, description=f"At most {limits.sentences} lines and sentences.")


def _any_text(limits: Limits) -> Json:
    return text_of(limits.text)


def _history(limits: Limits) -> Json:
    words = "The English conversation so far, oldest first."
    texts = list_of(_any_text(limits), limits.history, least=0)
    return {**texts, "description": words} if isinstance(texts, Mapping) else texts


def _language(limits: Limits) -> Json:
    words = "A language that is served, such as fr."
    return {"type": "string", "pattern": f"^{LANGUAGE_CODE.pattern}$", "description": words}


def _timeout(limits: Limits) -> Json:
    return {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": limits.timeout,
        "description": "Seconds that the turn may take.",
    }


def _request_id(limits: Limits) -> Json:
    pattern = f"^{REQUEST_ID.pattern}$"
    return {"type": "string", "minLength": 1, "maxLength": limits.request_id, "pattern": pattern}


def _traceparent(limits: Limits) -> Json:
    words = "The trace that the turn belongs to, by the W3C's Trace Context."
    return {"type": "string", "pattern": f"^{TRACEPARENT.pattern}$", "description": words}


def _deadline(limits: Limits) -> Json:
    words = "The time of day after which nobody waits, in seconds since the epoch."
    return _number(LATEST, description=words)


def _degraded(limits: Limits) -> Json:
    entry: dict[str, Json] = {
        "step": text_of(limits.step_name),
        "reason": {"enum": [reason.value for reason in Reason]},
    }
    return list_of(object_of(entry), limits.degraded, least=0)


def _steps(limits: Limits) -> Json:
    entry: dict[str, Json] = {
        "name": text_of(limits.step_name),
        "model": text_of(limits.step_model),
        "seconds": _number(MOST_SECONDS),
    }
    return list_of(object_of(entry), limits.steps, least=0)


_FIELDS: dict[str, Callable[[Limits], Json]] = {
    contract.USER_INPUT: _message,
    contract.HISTORY: _history,
    contract.LANGUAGE: _language,
    contract.PREVIOUS_LANGUAGE: _language,
    contract.TIMEOUT: _timeout,
    contract.REQUEST_ID: _request_id,
    contract.TRACEPARENT: _traceparent,
    contract.DEADLINE: _deadline,
    contract.LANGUAGE_CONFIDENCE: lambda limits: _number(1),
    contract.ROUTE: lambda limits: text_of(ROUTE_LENGTH),
    contract.USER_INPUT_EN: _any_text,
    contract.RESPONSE_EN: _answer,
    contract.RESPONSE: _any_text,
    contract.DEGRADED: _degraded,
    contract.STEPS: _steps,
}
