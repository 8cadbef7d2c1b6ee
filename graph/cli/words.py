"""A server's words for a person: errors without the paths of the wire format, what a turn lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graph import contract
from graph.calling.replies import read_degraded
from graph.errors import NotReached, ParleyError
from graph.turn.degradation import Reason

# The command line sends one message at a time, so the path of its only instance says nothing.
_PATH = re.compile(r"\binstances\[0\]\.(user_input\b)?")


def plain_words(err: ParleyError) -> str:
    """One line for a person who wrote a message, not a request."""
    return _PATH.sub(lambda match: "message" if match[1] else "", err.message)


def named(words: str, name: str) -> str:
    """Words about a turn, with its name where there is one."""
    return f"{words} (request {name})" if name else words


def name_to_tell(err: ParleyError) -> str:
    """The turn's name, where whoever runs the server needs it to find out what happened."""
    told = err.status >= 500 and not isinstance(err, NotReached)
    return err.request_id if told else ""


def lacking(prediction: Mapping[str, Any]) -> list[str]:
    """What a turn lacks, each in a sentence: first what the person sees of it, then the causes."""
    degraded = read_degraded(prediction)
    seen = []
    if degraded and not prediction.get(contract.RESPONSE):
        seen = ["There is no answer."]
    elif any(entry.reason != Reason.HISTORY_CUT for entry in degraded) and _is_source(prediction):
        seen = ["The text was left in English."]
    return [*seen, *map(str, degraded)]


def _is_source(prediction: Mapping[str, Any]) -> bool:
    """Whether the text that was to be translated from English is there in place of a translation.

    In a translator's graph that is the message itself.
    """
    source = prediction.get(contract.RESPONSE_EN, prediction.get(contract.USER_INPUT))
    return bool(source == prediction[contract.RESPONSE])
