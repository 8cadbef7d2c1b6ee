"""Keeps what people write from being read as a model's special tokens.

A chat template marks where a message ends and who speaks by special tokens such as <|im_end|>. A
tokenizer reads the same characters in a message as the same tokens, so a person could end their own
turn and open a system's. Here a space is put into each, and the text stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from predictors.engine import Message


class SpecialTokens:
    """tokens: as they are written, from the checkpoint's own tokenizer."""

    def __init__(self, tokens: Iterable[str]) -> None:
        # A single character, or a run of spaces, cannot be parted; none of them marks a turn.
        written = {token for token in tokens if len("".join(token.split())) > 1}
        longest_first = sorted(written, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if written else None

    def as_plain_text(self, text: str) -> str:
        """The text with every special token in it parted by a space after its first character."""
        while self._pattern is not None and self._pattern.search(text):
            text = self._pattern.sub(_parted, text)
        return text

    def as_plain_messages(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        return tuple(
            replace(message, content=self.as_plain_text(message.content)) for message in messages
        )


def read_special_tokens(added_tokens: Iterable[Any], template: str) -> SpecialTokens:
    """The special ones among the added tokens of a tokenizer (`AddedToken` of tokenizers).

    Some checkpoints also add runs of spaces, or tags that are text. An added token that the chat
    template writes steers the model too.
    """
    return SpecialTokens(
        token.content for token in added_tokens if token.special or token.content in template
    )


def _parted(found: re.Match[str]) -> str:
    token = found[0]
    place = len(token) - len(token.lstrip()) + 1
    return f"{token[:place]} {token[place:]}"
