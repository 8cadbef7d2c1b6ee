"""What a translator's graph answers: one text in the other language, checked.

English is one side of every translator, so a text that is to become another language is English.
The names of the graph's steps say where it went; a text that went elsewhere is refused, not shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graph import contract
from graph.calling.replies import read_degraded
from graph.client import ChatClient
from graph.errors import RequestError, StepError

_TRANSLATOR = re.compile(r"translate-[a-z]{2,3}-([a-z]{2,3})")


def translate(client: ChatClient, text: str, to: str | None = None) -> Mapping[str, Any]:
    """The instance as the graph returned it; the translation is its `response`.

    to: the language that is wanted, None: whatever the other one is. Raises RequestError when the
    text is in that language already or the graph does not write it, StepError as the graph does.
    """
    instance: dict[str, Any] = {contract.USER_INPUT: text}
    if to and to != contract.PIVOT:
        instance[contract.LANGUAGE] = contract.PIVOT
    [prediction] = client.answers([instance])
    if not isinstance(prediction.get(contract.RESPONSE), str):
        raise StepError("the answer holds no translation: is this a translator's graph?")
    if to == prediction.get(contract.LANGUAGE):
        raise RequestError("--to", f"the text is in {to!r} already")
    written = _written(prediction)
    if to and written and to not in written:
        languages = " and ".join(sorted({contract.PIVOT, *written}))
        raise RequestError("--to", f"this graph translates between {languages}, not into {to!r}")
    return prediction


def _written(prediction: Mapping[str, Any]) -> list[str]:
    """The languages that the translators on the way write, where their names tell."""
    names = [str(step["name"]) for step in prediction.get(contract.STEPS, ())]
    names += [degradation.step for degradation in read_degraded(prediction)]
    return [match[1] for name in names if (match := _TRANSLATOR.fullmatch(name))]
