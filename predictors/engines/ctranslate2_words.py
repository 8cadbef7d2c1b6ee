"""The text of an answer while CTranslate2 generates its tokens, for whoever reads along."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from predictors.checkpoints.tokens import Tokens

# What a tokenizer writes for the beginning of a character whose other bytes have not come.
_HALF_CHARACTER = "\ufffd"


class GrowingText:
    """Tokens in, parts of their text out. It lives on the thread of one batch at a time.

    stop: texts at which the answer ends.  put: takes each part, on any thread.
    """

    def __init__(self, tokens: Tokens, stop: Sequence[str], put: Callable[[str], None]) -> None:
        self._tokens = tokens
        self._stop = tuple(stop)
        self._put = put
        self._came: list[str] = []
        self._said = ""
        self._is_over = False

    def begin(self) -> None:
        """A batch that failed is tried again; what was said already is not said again."""
        self._came = []

    def add(self, token: str) -> bool:
        """Whether the generation should end."""
        self._came.append(token)
        text = self._tokens.decode(self._came)
        if self._is_over or any(stop in text for stop in self._stop):
            return True
        if not text.endswith(_HALF_CHARACTER):
            self._say(text[: len(text) - self._held(text)])
        return False

    def end(self, text: str) -> None:
        """The whole text, cut at its stop text."""
        self._say(text)

    def leave(self) -> None:
        """Nobody reads along any more."""
        self._is_over = True

    def _held(self, text: str) -> int:
        """Characters at the end that may be the beginning of a stop text."""
        sizes = range(max(map(len, self._stop), default=1) - 1, 0, -1)
        return next((n for n in sizes if any(s.startswith(text[-n:]) for s in self._stop)), 0)

    def _say(self, text: str) -> None:
        if len(text) > len(self._said) and text.startswith(self._said):
            self._put(text[len(self._said) :])
            self._said = text
