"""The turn: every field that travels through the graph, and the check of every request.

It uses the standard library only, because predictors, router, client and tests all import it. It
knows the shape of an instance, not what a predictor does with it, and it never corrects a request
silently.

A request is `{"instances": [{...}, ...]}` or one bare instance; an answer is
`{"predictions": [{...}, ...]}`, one per instance, in order. Every predictor returns the whole
instance with its own fields added, because a step of a KServe graph sees only the step before it.

Every check of a request is made here, once; `graph/turn/limits.py` says how large it may be, and
`graph/turn/checks.py` what each field may hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from graph.errors import RequestError, TooLarge
from graph.turn.checks import (
    CONTROL,
    check_answer,
    check_confidence,
    check_deadline,
    check_degraded,
    check_history,
    check_language,
    check_message,
    check_request_id,
    check_route,
    check_steps,
    check_text,
    check_timeout,
    check_traceparent,
    kind_of,
    shown,
)
from graph.turn.degradation import Reason
from graph.turn.limits import INNER_LIMITS, PUBLIC_LIMITS, Limits

Instance = dict[str, Any]

USER_INPUT = "user_input"
HISTORY = "history"
LANGUAGE = "language"
PREVIOUS_LANGUAGE = "previous_language"
# Seconds that the whole turn may take, as the person asks; the first predictor makes DEADLINE of it
# and leaves it out, so that no later step counts it from its own beginning.
TIMEOUT = "timeout"
REQUEST_ID = "request_id"
# The time of day after which nobody waits for the turn: seconds since the epoch, as a number.
DEADLINE = "deadline"
# The trace that the turn belongs to and the span around it, in the words of the W3C.
TRACEPARENT = "traceparent"
LANGUAGE_CONFIDENCE = "language_confidence"
ROUTE = "route"
USER_INPUT_EN = "user_input_en"
RESPONSE_EN = "response_en"
RESPONSE = "response"
DEGRADED = "degraded"
STEPS = "steps"

PIVOT = "en"
MIXED = "mixed"

# What a person may send. The other fields are set on the way: a predictor that is called alone
# takes them too, the first step of a graph (the detector) does not.
PUBLIC_FIELDS = (
    *(USER_INPUT, HISTORY, LANGUAGE, PREVIOUS_LANGUAGE, TIMEOUT, REQUEST_ID),
    TRACEPARENT,
)
ALL_FIELDS = (
    *PUBLIC_FIELDS,
    DEADLINE,
    LANGUAGE_CONFIDENCE,
    ROUTE,
    USER_INPUT_EN,
    RESPONSE_EN,
    RESPONSE,
    DEGRADED,
    STEPS,
)


@dataclass(frozen=True)
class Schema:
    """What a predictor takes: the fields of an instance, and the sizes of a request."""

    fields: Sequence[str]
    limits: Limits


# The schema of the first step of a graph, and of every other predictor.
PUBLIC = Schema(PUBLIC_FIELDS, PUBLIC_LIMITS)
INNER = Schema(ALL_FIELDS, INNER_LIMITS)


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
        raise RequestError("body", f"must be a JSON object, not {kind_of(payload)}")
    if "instances" not in payload:
        if USER_INPUT not in payload:
            raise RequestError("instances", f"missing; send a list of objects with {USER_INPUT!r}")
        return [_check_instance(payload, "", schema, {})]
    for key in payload:
        if key != "instances":
            raise RequestError(shown(key), "unknown key; a request holds only 'instances'")
    instances = payload["instances"]
    if not isinstance(instances, list):
        raise RequestError("instances", f"must be a list, not {kind_of(instances)}")
    if not instances:
        raise RequestError("instances", "an empty list; send at least one instance")
    most = schema.limits.instances
    if len(instances) > most:
        raise TooLarge("instances", f"{len(instances)}, at most {most} are taken")
    checked = [
        _check_instance(instance, f"instances[{i}]", schema, {})
        for i, instance in enumerate(instances)
    ]
    _refuse_shared_names(checked)
    return checked


def find_request_ids(payload: Any) -> list[str]:
    """The names of the turns in a request of any shape, each once, as far as they are well formed.

    A request that is refused for another field is still reported by the names that it came with.
    """
    instances = payload.get("instances", [payload]) if isinstance(payload, dict) else ()
    found: list[str] = []
    for instance in instances[: INNER_LIMITS.instances] if isinstance(instances, list) else ():
        name = instance.get(REQUEST_ID) if isinstance(instance, dict) else None
        with suppress(RequestError):
            check_request_id(name, REQUEST_ID, INNER_LIMITS)
            found.append(str(name))
    return list(dict.fromkeys(found))


def check_predictions(predictions: Sequence[Instance], checked: Sequence[Instance] = ()) -> None:
    """Raises RequestError for a prediction that no later step of a graph would take.

    checked: the instances that the predictions are of. A text that is theirs is not checked again.
    """
    for i, prediction in enumerate(predictions):
        known = checked[i] if i < len(checked) else {}
        _check_instance(prediction, f"predictions[{i}]", INNER, known)


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


def without_control(text: str) -> str:
    """A model's text without the control characters that no turn may hold; some models write them.

    The next step of a graph would refuse them, as if the person had sent them.
    """
    return CONTROL.sub("", text)


def add_step(instance: Instance, name: str, model: str, seconds: float) -> None:
    """Append a predictor's own entry to `steps`; seconds of wall time, to the millisecond."""
    limits = INNER_LIMITS
    entry = {
        "name": name[: limits.step_name],
        "model": model[: limits.step_model],
        "seconds": round(seconds, 3),
    }
    instance[STEPS] = [*instance.get(STEPS, ()), entry]


def _refuse_shared_names(instances: Sequence[Instance]) -> None:
    """Each turn of a batch has a name of its own, so that a line of a log tells which one it is."""
    seen: set[str] = set()
    for i, instance in enumerate(instances):
        name = instance.get(REQUEST_ID)
        if name in seen:
            raise RequestError(
                f"instances[{i}].{REQUEST_ID}",
                "stands in another instance too; give each its own, or none and each gets one",
            )
        if name is not None:
            seen.add(name)


def add_degradation(instance: Instance, step: str, reason: Reason) -> None:
    """Say in `degraded` that a step did not do its part, or not all of it; the same only once."""
    entry = {"step": step[: INNER_LIMITS.step_name], "reason": reason.value}
    found = instance.get(DEGRADED, [])
    if entry not in found:
        instance[DEGRADED] = [*found, entry]


def gave_nothing(instance: Instance, field: str) -> bool:
    """Whether an earlier step had nothing for a field, left it empty and said so in `degraded`.

    A step that reads the field leaves such a turn alone and leaves its own field empty too.
    """
    text = instance.get(field)
    return isinstance(text, str) and not text.strip() and DEGRADED in instance


def _check_instance(
    instance: Any, where: str, schema: Schema, checked: Mapping[str, Any]
) -> Instance:
    if not isinstance(instance, dict):
        raise RequestError(where, f"must be an object, not {kind_of(instance)}")
    prefix = f"{where}." if where else ""
    for key in instance:
        if key not in schema.fields:
            known = ", ".join(schema.fields)
            raise RequestError(prefix + shown(key), f"unknown key; known are {known}")
    for key, value in instance.items():
        if isinstance(value, str) and checked.get(key) is value:
            continue
        _CHECKS[key](value, prefix + key, schema.limits)
    if USER_INPUT not in instance:
        raise RequestError(prefix + USER_INPUT, "missing")
    return dict(instance)


_CHECKS: dict[str, Callable[[Any, str, Limits], None]] = {
    USER_INPUT: check_message,
    HISTORY: check_history,
    LANGUAGE: check_language,
    PREVIOUS_LANGUAGE: check_language,
    TIMEOUT: check_timeout,
    REQUEST_ID: check_request_id,
    TRACEPARENT: check_traceparent,
    DEADLINE: check_deadline,
    LANGUAGE_CONFIDENCE: check_confidence,
    ROUTE: check_route,
    USER_INPUT_EN: check_text,
    RESPONSE_EN: check_answer,
    RESPONSE: check_text,
    DEGRADED: check_degraded,
    STEPS: check_steps,
}


def _refuse_constant(name: str) -> NoReturn:
    raise RequestError("body", f"not JSON: {name} is no JSON number")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Of two equal keys, parsers differ in which one they take."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RequestError("body", f"the key {shown(key)!r} stands in one object twice")
        found[key] = value
    return found
