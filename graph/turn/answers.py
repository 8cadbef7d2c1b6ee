"""The text of a chat model as a person should see it, whole or while it is being written.

The chat makes an answer of it by these rules, and the gateway sends by the same rules what nothing
can change any more; so both ways to one answer end in the same words.
"""

from __future__ import annotations

import re
from enum import StrEnum

from graph.turn.checks import CONTROL, first_sentences
from graph.turn.limits import INNER_LIMITS, Limits

# Where a text may end: after a sentence or before the end of a line. The number of a list's item
# is no sentence.
_END = re.compile(
    r"""
      (?<!^\d)(?<!^\d\d)[.!?…]["')\]]*(?=\s|\Z)
    | [。！？]["')\]”’」』）]*
    | (?<=\S)(?=\s*\n)
    """,
    re.VERBOSE | re.MULTILINE,
)


class Finish(StrEnum):
    """Why a model wrote no more, in the words of OpenAI's protocol."""

    STOP = "stop"
    LENGTH = "length"


def readable(text: str, limits: Limits = INNER_LIMITS) -> str:
    """A model's text without what no later step would take, and no longer than it would."""
    text = CONTROL.sub("", text).strip()
    kept = first_sentences(text[: limits.answer], limits.sentences)
    return kept if len(kept) == len(text) else whole_sentences(kept)


def whole_sentences(text: str) -> str:
    """The text up to its last sentence end or line end; all of it where none is found."""
    ends = [match.end() for match in _END.finditer(text)]
    return text[: ends[-1]] if ends else text


class GrowingAnswer:
    """`readable` for a text that comes in parts: what goes out of it is never taken back.

    text: all that went out.  is_full: whether the limits allow no more, and the rest is left out.
    """

    def __init__(self, limits: Limits = INNER_LIMITS) -> None:
        self._limits = limits
        self._spaces = ""
        self.text = ""
        self.is_full = False

    def feed(self, part: str) -> str:
        """What is certain with this part. Spaces wait for what follows them."""
        if self.is_full:
            return ""
        part = self._spaces + CONTROL.sub("", part)
        words = part.rstrip()
        self._spaces = part[len(words) :] if self.text or words else ""
        if not self.text:
            words = words.lstrip()
        whole = self.text + words
        kept = first_sentences(whole[: self._limits.answer], self._limits.sentences)
        self.is_full = len(kept) < len(whole)
        new = kept[len(self.text) :]
        self.text = kept
        return new


class WholeSentences:
    """`whole_sentences` for a text that comes in parts, cut off at its end or not."""

    def __init__(self) -> None:
        self._text = ""
        self._sent = 0

    def feed(self, part: str) -> str:
        """What stays in any case: up to the last end that further text cannot move."""
        self._text += part
        return self._send([end for end in self._ends() if end < len(self._text)], self._sent)

    def end(self, finish: Finish) -> str:
        """The rest, without the half sentence of a text that was cut off."""
        everything = len(self._text)
        if finish is Finish.STOP:
            return self._send([everything], everything)
        return self._send(self._ends(), self._sent or everything)

    def _ends(self) -> list[int]:
        return [match.end() for match in _END.finditer(self._text, self._sent)]

    def _send(self, ends: list[int], otherwise: int) -> str:
        """The text up to the last of the ends."""
        start, self._sent = self._sent, ends[-1] if ends else otherwise
        return self._text[start : self._sent]
