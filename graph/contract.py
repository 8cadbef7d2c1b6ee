"""The turn: every field that travels through the graph, and the check of every request.

It uses the standard library only, because predictors, router, client and tests all import it. It
knows the shape of an instance, not what a predictor does with it, and it never corrects a request
silently.

A request is `{"instances": [{...}, ...]}` or one bare instance; an answer is
`{"predictions": [{...}, ...]}`, one per instance, in order. Every predictor returns the whole
instance with its own fields added, because a step of a KServe graph sees only the step before it.

Limits compose: what the first step takes, every later step takes, however it grew on its way.

- A person may send 64 instances of 10,000 characters, whatever the characters and however their
  JSON is written. The most that JSON makes of one character is 12 bytes, the escaped surrogate pair
  of an emoji. That is 7.7 MB, and `PUBLIC_LIMITS.body` is 8 MiB: the rest is for history and keys.
- An answer (`response_en`) has at most as many characters as a message, and a translation at most
  four times as many as its source. So every inner text has at most 40,000 characters.
- KServe's router writes `<`, `>` and `&`, one byte each, as six. So what a person sent may come to
  a later step at six times its size, and a text that was written on the way takes at most six bytes
  a character. `INNER_LIMITS.body` is the sum of what an instance can gather.

A model's context is a limit of its own: a message that does not fit it is refused by the chat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from graph.errors import RequestError, TooLarge

Instance = dict[str, Any]

USER_INPUT = "user_input"
HISTORY = "history"
LANGUAGE = "language"
PREVIOUS_LANGUAGE = "previous_language"
LANGUAGE_CONFIDENCE = "language_confidence"
ROUTE = "route"
USER_INPUT_EN = "user_input_en"
RESPONSE_EN = "response_en"
RESPONSE = "response"
STEPS = "steps"

PIVOT = "en"
MIXED = "mixed"

# What a person may send. The other fields are set on the way: a predictor that is called alone
# takes them too, the first step of a graph (the detector) does not.
PUBLIC_FIELDS = (USER_INPUT, HISTORY, LANGUAGE, PREVIOUS_LANGUAGE)
ALL_FIELDS = (
    *PUBLIC_FIELDS,
    LANGUAGE_CONFIDENCE,
    ROUTE,
    USER_INPUT_EN,
    RESPONSE_EN,
    RESPONSE,
    STEPS,
)


@dataclass(frozen=True)
class Limits:
    """Sizes over which a request is refused with 413.

    body: bytes.  instances: per request.  message: characters of `user_input`.  answer: characters
    of `response_en`.  text: characters of every other text.  history: texts.  steps: entries.
    step_name, step_model: characters of each.
    """

    body: int
    instances: int = 64
    message: int = 10_000
    answer: int = 10_000
    text: int = 40_000
    history: int = 1_000
    steps: int = 32
    step_name: int = 128
    step_model: int = 512


# The most bytes that JSON makes of one character: the escaped surrogate pair of an emoji.
_ESCAPED = 12
# The most bytes that KServe's router makes of one character of UTF-8, and of one byte: `<`.
_REWRITTEN = 6
# The bytes of an entry of `steps` besides its name and model, and of an instance besides its texts.
_STEP_KEYS = 100
_INSTANCE_KEYS = 500

PUBLIC_LIMITS = Limits(body=8 << 20)


def _inner_body(limits: Limits) -> int:
    """The bytes that a request within `limits` can have after the last step of a graph."""
    # The translated message and the answer stand in the history too.
    texts = 2 * limits.text + 2 * limits.answer + limits.text
    step = _REWRITTEN * (limits.step_name + limits.step_model) + _STEP_KEYS
    instance = _REWRITTEN * texts + limits.steps * step + _INSTANCE_KEYS
    return _REWRITTEN * limits.body + limits.instances * instance


# The chat adds a message and an answer to the history.
INNER_LIMITS = replace(
    PUBLIC_LIMITS, body=_inner_body(PUBLIC_LIMITS), history=PUBLIC_LIMITS.history + 2
)


@dataclass(frozen=True)
class Schema:
    """What a predictor takes: the fields of an instance, and the sizes of a request."""

    fields: Sequence[str]
    limits: Limits


# The schema of the first step of a graph, and of every other predictor.
PUBLIC = Schema(PUBLIC_FIELDS, PUBLIC_LIMITS)
INNER = Schema(ALL_FIELDS, INNER_LIMITS)

_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
_MOST_SECONDS = 1_000_000
# A NUL or another control character ends or garbles text in tokenizers written in C.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parse_body(body: bytes, limits: Limits = INNER_LIMITS) -> Any:
    """The JSON value of a body. Raises RequestError, or TooLarge over `limits.body` bytes."""
    if len(body) > limits.body:
        raise TooLarge("body", f"{len(body)} bytes, at most {limits.body} are taken")
    if not body.strip():
        raise RequestError("body", 'empty; send JSON such as {"instances": [{"user_input": "Hi"}]}')
    try:
        return json.loads(
            body, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates
        )
    except UnicodeDecodeError as err:
        raise RequestError("body", f"not UTF-8 at byte {err.start}") from err
    except json.JSONDecodeError as err:
        raise RequestError("body", f"not JSON: {err.msg} at character {err.pos}") from err
    except RecursionError as err:
        raise RequestError("body", "not taken: the JSON is nested too deeply") from err
    except ValueError as err:
        raise RequestError("body", "not taken: a number in the JSON is out of range") from err


def read_instances(payload: Any, schema: Schema = INNER) -> list[Instance]:
    """The instances of a request, each checked field by field; copies, so callers may add to them.

    Raises RequestError or TooLarge, whose `field` is the path of what is wrong, for example
    `instances[2].history[0]`.
    """
    if not isinstance(payload, dict):
        raise RequestError("body", f"must be a JSON object, not {_kind(payload)}")
    if "instances" not in payload:
        if USER_INPUT not in payload:
            raise RequestError("instances", f"missing; send a list of objects with {USER_INPUT!r}")
        return [_check_instance(payload, "", schema)]
    for key in payload:
        if key != "instances":
            raise RequestError(_shown(key), "unknown key; a request holds only 'instances'")
    instances = payload["instances"]
    if not isinstance(instances, list):
        raise RequestError("instances", f"must be a list, not {_kind(instances)}")
    if not instances:
        raise RequestError("instances", "an empty list; send at least one instance")
    most = schema.limits.instances
    if len(instances) > most:
        raise TooLarge("instances", f"{len(instances)}, at most {most} are taken")
    return [
        _check_instance(instance, f"instances[{i}]", schema) for i, instance in enumerate(instances)
    ]


def check_predictions(predictions: Sequence[Instance]) -> None:
    """Raises RequestError for a prediction that no later step of a graph would take."""
    for i, prediction in enumerate(predictions):
        _check_instance(prediction, f"predictions[{i}]", INNER)


def require_text(instance: Instance, field: str, index: int) -> str:
    """The text of a field that a predictor cannot do without."""
    text = instance.get(field)
    if not isinstance(text, str) or not text.strip():
        raise RequestError(f"instances[{index}].{field}", "missing or blank")
    return text


def require_english(instance: Instance, index: int, spoken: Collection[str] = (PIVOT,)) -> None:
    """Refuse a message in a language that neither a step translated nor the model speaks.

    In a graph, this is a language that the detector serves and that no branch translates: English
    is the last branch of the Switch and takes what no other branch took.
    """
    language = instance.get(LANGUAGE, PIVOT)
    if language not in spoken and not instance.get(USER_INPUT_EN, "").strip():
        raise RequestError(
            f"instances[{index}].{LANGUAGE}",
            f"{language!r} is not served: no step translated the message to English; served are "
            f"{', '.join(spoken)} and the languages that this graph has a translator for",
        )


def add_step(instance: Instance, name: str, model: str, seconds: float) -> None:
    """Append a predictor's own entry to `steps`; seconds of wall time, to the millisecond."""
    limits = INNER_LIMITS
    entry = {
        "name": name[: limits.step_name],
        "model": model[: limits.step_model],
        "seconds": round(seconds, 3),
    }
    instance[STEPS] = [*instance.get(STEPS, ()), entry]


def _check_instance(instance: Any, where: str, schema: Schema) -> Instance:
    if not isinstance(instance, dict):
        raise RequestError(where, f"must be an object, not {_kind(instance)}")
    prefix = f"{where}." if where else ""
    for key in instance:
        if key not in schema.fields:
            known = ", ".join(schema.fields)
            raise RequestError(prefix + _shown(key), f"unknown key; known are {known}")
    for key, value in instance.items():
        _CHECKS[key](value, prefix + key, schema.limits)
    if USER_INPUT not in instance:
        raise RequestError(prefix + USER_INPUT, "missing")
    return dict(instance)


def _check_text(value: Any, where: str, limits: Limits) -> None:
    _check_any_text(value, where, limits.text)


def _check_answer(value: Any, where: str, limits: Limits) -> None:
    _check_any_text(value, where, limits.answer)


def _check_user_input(value: Any, where: str, limits: Limits) -> None:
    _check_any_text(value, where, limits.message)
    if not value.strip():
        raise RequestError(where, "blank")


def without_control(text: str) -> str:
    """A model's text without the control characters that no turn may hold; some models write them.

    The next step of a graph would refuse them, as if the person had sent them.
    """
    return _CONTROL.sub("", text)


def _check_any_text(value: Any, where: str, limit: int) -> None:
    if not isinstance(value, str):
        raise RequestError(where, f"must be a text, not {_kind(value)}")
    if len(value) > limit:
        raise TooLarge(where, f"{len(value)} characters, at most {limit} are taken")
    control = _CONTROL.search(value)
    if control:
        raise RequestError(where, f"holds the control character U+{ord(control[0]):04X}")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise RequestError(where, "holds half of a surrogate pair, which is no character")


def _check_history(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, list):
        raise RequestError(where, f"must be a list of texts, not {_kind(value)}")
    if len(value) > limits.history:
        raise TooLarge(
            where, f"{len(value)} texts, at most {limits.history} are taken; send the newest"
        )
    for i, text in enumerate(value):
        _check_any_text(text, f"{where}[{i}]", limits.text)


def _check_language(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, str):
        raise RequestError(where, f"must be a language code such as 'fr', not {_kind(value)}")
    if not _LANGUAGE_CODE.fullmatch(value):
        raise RequestError(where, "must be a language code such as 'fr'")


def _check_route(value: Any, where: str, limits: Limits) -> None:
    _check_any_text(value, where, 64)


def _check_confidence(value: Any, where: str, limits: Limits) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise RequestError(where, "must be a number from 0 to 1")


def _check_steps(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, list) or len(value) > limits.steps:
        raise RequestError(where, f"must be a list of at most {limits.steps} steps")
    for i, step in enumerate(value):
        if not isinstance(step, dict) or set(step) != {"name", "model", "seconds"}:
            raise RequestError(f"{where}[{i}]", "must be an object of name, model and seconds")
        _check_any_text(step["name"], f"{where}[{i}].name", limits.step_name)
        _check_any_text(step["model"], f"{where}[{i}].model", limits.step_model)
        _check_seconds(step["seconds"], f"{where}[{i}].seconds")


def _check_seconds(value: Any, where: str) -> None:
    # A comparison holds for an integer of any size; `math.isfinite` fails for a large one.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= _MOST_SECONDS:
        raise RequestError(where, f"must be a number from 0 to {_MOST_SECONDS}")


_CHECKS: dict[str, Callable[[Any, str, Limits], None]] = {
    USER_INPUT: _check_user_input,
    HISTORY: _check_history,
    LANGUAGE: _check_language,
    PREVIOUS_LANGUAGE: _check_language,
    LANGUAGE_CONFIDENCE: _check_confidence,
    ROUTE: _check_route,
    USER_INPUT_EN: _check_text,
    RESPONSE_EN: _check_answer,
    RESPONSE: _check_text,
    STEPS: _check_steps,
}


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _shown(key: str) -> str:
    """A client's own key as it may stand in a message: short and printable."""
    printable = "".join(char if char.isprintable() else "?" for char in key[:40])
    return printable or "''"


def _refuse_constant(name: str) -> NoReturn:
    raise RequestError("body", f"not JSON: {name} is no JSON number")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Of two equal keys, parsers differ in which one they take."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RequestError("body", f"the key {_shown(key)!r} stands in one object twice")
        found[key] = value
    return found
