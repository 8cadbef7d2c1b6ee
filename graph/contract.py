"""The turn: every field that travels through the graph, and the check of every request.

Standard library only: predictors, router, client and tests all import it. It knows the shape of an
instance, not what a predictor does with it, and it never mends a request silently.

A request is `{"instances": [{...}, ...]}` or one bare instance; an answer is
`{"predictions": [{...}, ...]}`, one per instance, in order. Every predictor returns the whole
instance with its own fields added, because a step of a KServe graph sees only the step before it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
# takes them too, the public door (the detector) does not.
PUBLIC_FIELDS = (USER_INPUT, HISTORY, LANGUAGE, PREVIOUS_LANGUAGE)


@dataclass(frozen=True)
class Limits:
    """Sizes over which a request is refused with 413.

    body: bytes.  instances: per request.  text: characters of `user_input`.  history: texts.
    inner_text: characters of every other text, larger because a translation may grow.
    """

    body: int = 1 << 20
    instances: int = 64
    text: int = 10_000
    history: int = 1_000
    inner_text: int = 40_000


LIMITS = Limits()

ALL_FIELDS = (
    *PUBLIC_FIELDS,
    LANGUAGE_CONFIDENCE,
    ROUTE,
    USER_INPUT_EN,
    RESPONSE_EN,
    RESPONSE,
    STEPS,
)

_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
# A NUL or another control character ends or garbles text in tokenizers written in C.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parse_body(body: bytes, limits: Limits = LIMITS) -> Any:
    """The JSON value of a body. Raises RequestError, or TooLarge over `limits.body` bytes."""
    if len(body) > limits.body:
        raise TooLarge("body", f"{len(body)} bytes, at most {limits.body} are taken")
    if not body.strip():
        raise RequestError("body", 'empty; send JSON such as {"instances": [{"user_input": "Hi"}]}')
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except UnicodeDecodeError as err:
        raise RequestError("body", f"not UTF-8 at byte {err.start}") from err
    except json.JSONDecodeError as err:
        raise RequestError("body", f"not JSON: {err.msg} at character {err.pos}") from err
    except RecursionError as err:
        raise RequestError("body", "not JSON of ours: nested too deeply") from err
    except ValueError as err:
        raise RequestError("body", "not JSON of ours: a number is out of range") from err


def read_instances(
    payload: Any, fields: Sequence[str] = ALL_FIELDS, limits: Limits = LIMITS
) -> list[Instance]:
    """The instances of a request, each checked field by field; copies, so callers may add to them.

    `fields` are those that are taken here. Raises RequestError or
    TooLarge, whose `field` is the path of what is wrong, for example `instances[2].history[0]`.
    """
    if not isinstance(payload, dict):
        raise RequestError("body", f"must be a JSON object, not {_kind(payload)}")
    if "instances" not in payload:
        if USER_INPUT not in payload:
            raise RequestError("instances", f"missing; send a list of objects with {USER_INPUT!r}")
        return [_check_instance(payload, "", fields, limits)]
    for key in payload:
        if key != "instances":
            raise RequestError(_shown(key), "unknown key; a request holds only 'instances'")
    instances = payload["instances"]
    if not isinstance(instances, list):
        raise RequestError("instances", f"must be a list, not {_kind(instances)}")
    if not instances:
        raise RequestError("instances", "an empty list; send at least one instance")
    if len(instances) > limits.instances:
        raise TooLarge("instances", f"{len(instances)}, at most {limits.instances} are taken")
    return [
        _check_instance(instance, f"instances[{i}]", fields, limits)
        for i, instance in enumerate(instances)
    ]


def require_text(instance: Instance, field: str, index: int) -> str:
    """The text of a field that a predictor cannot do without."""
    text = instance.get(field)
    if not isinstance(text, str) or not text.strip():
        raise RequestError(f"instances[{index}].{field}", "missing or blank")
    return text


def add_step(instance: Instance, name: str, model: str, seconds: float) -> None:
    """Append a predictor's own entry to `steps`; seconds of wall time, to the millisecond."""
    entry = {"name": name, "model": model, "seconds": round(seconds, 3)}
    instance[STEPS] = [*instance.get(STEPS, ()), entry]


def _check_instance(instance: Any, where: str, fields: Sequence[str], limits: Limits) -> Instance:
    if not isinstance(instance, dict):
        raise RequestError(where, f"must be an object, not {_kind(instance)}")
    prefix = f"{where}." if where else ""
    for key in instance:
        if key not in fields:
            raise RequestError(prefix + _shown(key), f"unknown key; known are {', '.join(fields)}")
    for key, value in instance.items():
        _CHECKS[key](value, prefix + key, limits)
    if USER_INPUT not in instance:
        raise RequestError(prefix + USER_INPUT, "missing")
    return dict(instance)


def _check_text(value: Any, where: str, limits: Limits) -> None:
    _check_any_text(value, where, limits.inner_text)


def _check_user_input(value: Any, where: str, limits: Limits) -> None:
    _check_any_text(value, where, limits.text)
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
        _check_any_text(text, f"{where}[{i}]", limits.inner_text)


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
    if not isinstance(value, list) or len(value) > 100:
        raise RequestError(where, "must be a list of at most 100 steps")
    for i, step in enumerate(value):
        if not isinstance(step, dict) or set(step) != {"name", "model", "seconds"}:
            raise RequestError(f"{where}[{i}]", "must be an object of name, model and seconds")
        _check_any_text(step["name"], f"{where}[{i}].name", 256)
        _check_any_text(step["model"], f"{where}[{i}].model", 1024)
        seconds = step["seconds"]
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise RequestError(f"{where}[{i}].seconds", "must be a number")
        if not math.isfinite(seconds):
            raise RequestError(f"{where}[{i}].seconds", "must be a finite number")


_CHECKS: dict[str, Callable[[Any, str, Limits], None]] = {
    USER_INPUT: _check_user_input,
    HISTORY: _check_history,
    LANGUAGE: _check_language,
    PREVIOUS_LANGUAGE: _check_language,
    LANGUAGE_CONFIDENCE: _check_confidence,
    ROUTE: _check_route,
    USER_INPUT_EN: _check_text,
    RESPONSE_EN: _check_text,
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
