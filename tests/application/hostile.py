"""Legal and nearly legal requests that ask for as much as one can: what a service must stand."""

from __future__ import annotations

import json

from graph.contract import PUBLIC

_LIMITS = PUBLIC.limits


def _body(**fields: object) -> bytes:
    return json.dumps({"instances": [{"user_input": "Hello", **fields}]}).encode()


def _growing_ticks(length: int) -> str:
    text, run = "", 1
    while len(text) + run < length:
        text += "`" * run + " "
        run += 1
    return text


def _many(text: str, **fields: object) -> bytes:
    instance = {"user_input": text, **fields}
    return json.dumps({"instances": [instance] * _LIMITS.instances}).encode()


# The name of each, its body, and the status that it is answered with.
HOSTILE: tuple[tuple[str, bytes, int], ...] = (
    ("1,250 lines of a word", _body(user_input="bonjour\n" * 1_250, language="fr"), 413),
    ("as many lines as are taken", _body(user_input="oui\n" * _LIMITS.sentences), 200),
    ("a history of 170,000 words", _body(history=["word " * 170] * 1_000), 200),
    ("growing runs of backticks", _body(user_input=_growing_ticks(9_990), language="fr"), 200),
    ("10,000 characters without a space", _body(user_input="a" * 10_000, language="fr"), 200),
    ("10,000 combining marks", _body(user_input="e" + "\u0301" * 9_999, language="fr"), 200),
    ("runs of >>", _body(user_input=">>" * 4_999 + "x", language="fr"), 200),
    ("64 messages of escaped emoji", _many("😀" * 10_000), 200),
    ("64 messages of 10,000 letters", _many("é" * 10_000, language="fr"), 200),
    ("64 messages of as many lines", _many("oui\n" * _LIMITS.sentences, language="fr"), 200),
    ("the deepest JSON", b"[" * 100_000, 400),
)
