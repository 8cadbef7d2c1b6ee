"""What each field of an instance may hold: one check for each kind of value.

A check raises RequestError or TooLarge with the path of the field, and a message that may be shown
to anybody.
"""

from __future__ import annotations

import re
from typing import Any

from graph.errors import RequestError, TooLarge
from graph.turn.degradation import Reason
from graph.turn.limits import Limits

LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
MOST_SECONDS = 1_000_000
ROUTE_LENGTH = 64
# What the identifiers in use are made of (UUID, ULID, traceparent, X-Ray, base64), and nothing that
# a log, a shell or a page reads as more than text.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:=+/@-]+")
# Version 00 of the W3C's Trace Context: trace, parent span, flags. Neither of the two is all zeros.
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# In seconds since the epoch, the year 5138: what is over it is in milliseconds.
LATEST = 100_000_000_000
# Where a text goes on after the end of a line, or after a mark that ends a sentence. Each
# alternative takes what it has looked at or looks ahead by a few characters: the time is linear.
_BREAKS = r"\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_SENTENCE_END = re.compile(
    rf"""[.!?…]["'»”’)\]]{{0,2}}(?=[^\S{_BREAKS}]) | [。！？｡؟।;](?=[^{_BREAKS}])
    | [{_BREAKS}]\s*""",
    re.VERBOSE,
)
# A NUL or another control character ends or garbles text in tokenizers written in C.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL_BYTES = bytes(code for code in range(0x80) if CONTROL.match(chr(code)))


def check_message(value: Any, where: str, limits: Limits) -> None:
    check_plain_text(value, where, limits.message)
    _check_sentences(value, where, limits)
    if not value.strip():
        raise RequestError(where, "blank")


def check_text(value: Any, where: str, limits: Limits) -> None:
    check_plain_text(value, where, limits.text)


def check_answer(value: Any, where: str, limits: Limits) -> None:
    check_plain_text(value, where, limits.answer)
    _check_sentences(value, where, limits)


def check_history(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, list):
        raise RequestError(where, f"must be a list of texts, not {kind_of(value)}")
    if len(value) > limits.history:
        raise TooLarge(
            where, f"{len(value)} texts, at most {limits.history} are taken; send the newest"
        )
    for i, text in enumerate(value):
        check_plain_text(text, f"{where}[{i}]", limits.text)


def check_language(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, str):
        raise RequestError(where, f"must be a language code such as 'fr', not {kind_of(value)}")
    if not LANGUAGE_CODE.fullmatch(value):
        raise RequestError(where, "must be a language code such as 'fr'")


def check_route(value: Any, where: str, limits: Limits) -> None:
    check_plain_text(value, where, ROUTE_LENGTH)


def check_confidence(value: Any, where: str, limits: Limits) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        raise RequestError(where, "must be a number from 0 to 1")


def check_timeout(value: Any, where: str, limits: Limits) -> None:
    if not _is_number(value) or not 0 < value <= limits.timeout:
        raise RequestError(
            where, f"must be a number of seconds, over 0 and at most {limits.timeout}"
        )


def check_deadline(value: Any, where: str, limits: Limits) -> None:
    if not _is_number(value) or not 0 <= value <= LATEST:
        raise RequestError(where, "must be a time of day as a number of seconds since the epoch")


def check_request_id(value: Any, where: str, limits: Limits) -> None:
    check_plain_text(value, where, limits.request_id)
    if not REQUEST_ID.fullmatch(value):
        raise RequestError(where, "must be of letters, digits and . _ : = + / @ - alone")


def is_traceparent(value: str) -> bool:
    return TRACEPARENT.fullmatch(value) is not None


def check_traceparent(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, str) or not is_traceparent(value):
        raise RequestError(where, "must be a traceparent of the W3C's Trace Context, version 00")


def check_steps(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, list) or len(value) > limits.steps:
        raise RequestError(where, f"must be a list of at most {limits.steps} steps")
    for i, step in enumerate(value):
        if not isinstance(step, dict) or set(step) != {"name", "model", "seconds"}:
            raise RequestError(f"{where}[{i}]", "must be an object of name, model and seconds")
        check_plain_text(step["name"], f"{where}[{i}].name", limits.step_name)
        check_plain_text(step["model"], f"{where}[{i}].model", limits.step_model)
        _check_seconds(step["seconds"], f"{where}[{i}].seconds")


def check_degraded(value: Any, where: str, limits: Limits) -> None:
    if not isinstance(value, list) or len(value) > limits.degraded:
        raise RequestError(where, f"must be a list of at most {limits.degraded} entries")
    for i, entry in enumerate(value):
        if not isinstance(entry, dict) or set(entry) != {"step", "reason"}:
            raise RequestError(f"{where}[{i}]", "must be an object of step and reason")
        check_plain_text(entry["step"], f"{where}[{i}].step", limits.step_name)
        if entry["reason"] not in list(Reason):
            raise RequestError(f"{where}[{i}].reason", f"must be one of {', '.join(Reason)}")


def kind_of(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number"}
    return "null" if value is None else kinds.get(type(value), "a number")


def shown(key: str) -> str:
    """A client's own key as it may stand in a message: short and printable."""
    printable = "".join(char if char.isprintable() else "?" for char in key[:40])
    return printable or "''"


def count_sentences(text: str) -> int:
    """The lines and sentences of a text, counted by their marks alone; at least 1."""
    return 1 + sum(1 for _ in _SENTENCE_END.finditer(text.strip()))


def first_sentences(text: str, most: int) -> str:
    """The text up to the end of its sentence number `most`."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text.strip())]
    return text if len(ends) < most else text.strip()[: ends[most - 1]].strip()


def _check_sentences(text: str, where: str, limits: Limits) -> None:
    count = count_sentences(text)
    if count > limits.sentences:
        raise TooLarge(
            where,
            f"{count} lines and sentences, at most {limits.sentences} are taken; send it in parts",
        )


def check_plain_text(value: Any, where: str, limit: int) -> None:
    """Any text of at most `limit` characters that every tokenizer reads."""
    if not isinstance(value, str):
        raise RequestError(where, f"must be a text, not {kind_of(value)}")
    if len(value) > limit:
        raise TooLarge(where, f"{len(value)} characters, at most {limit} are taken")
    try:
        # In C, and so hundreds of times as fast as a look at each character.
        plain = value.encode()
    except UnicodeEncodeError as err:
        problem = "holds half of a surrogate pair, which is no character"
        raise RequestError(where, problem) from err
    if len(plain.translate(None, _CONTROL_BYTES)) < len(plain):
        control = CONTROL.findall(value)[0]
        raise RequestError(where, f"holds the control character U+{ord(control):04X}")


def _check_seconds(value: Any, where: str) -> None:
    if not _is_number(value) or not 0 <= value <= MOST_SECONDS:
        raise RequestError(where, f"must be a number from 0 to {MOST_SECONDS}")


def _is_number(value: Any) -> bool:
    """Whether it is a number of JSON. It may be an integer of any size: compare it, no more."""
    return isinstance(value, int | float) and not isinstance(value, bool)
