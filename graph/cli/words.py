"""A server's words for a person: errors without the paths of the wire format, what a turn lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graph import contract
from graph.client import read_degraded
from graph.errors import ParleyError

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
    return err.request_id if err.status >= 500 else ""


def lacking(prediction: Mapping[str, Any]) -> list[str]:
    """What a turn lacks, each in a sentence: first what the person sees of it, then the causes."""
    causes = [str(degradation) for degradation in read_degraded(prediction)]
    return [*_seen(prediction), *causes] if causes else []


def _seen(prediction: Mapping[str, Any]) -> list[str]:
    response = prediction.get(contract.RESPONSE)
    if not response:
        return ["There is no answer."]
    if prediction.get(contract.LANGUAGE) == contract.PIVOT:
        # A translator's graph turns English into the other language.
        untranslated = response == prediction.get(contract.USER_INPUT)
    else:
        untranslated = response == prediction.get(contract.RESPONSE_EN)
    return ["The text was left in English."] if untranslated else []
