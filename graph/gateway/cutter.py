"""Cuts an answer into pieces while the chat writes it, and gives none that could be taken back.

An answer that is cut off by its limit ends with its last whole sentence or line. So the splitter
sees what will stay in any case, and of the rest the next word alone.
"""

from __future__ import annotations

import re

from graph.text.splitting import Piece, Splitter
from graph.turn.answers import Finish, WholeSentences

# The next word, when it is there: an end of a line needs none.
_NEXT = re.compile(r"[^\S\n]*\n|\s+(?:\S{1,23}\s|\S{24})")


class Cutter:
    """One answer. english: as much of it as will stay in any case."""

    def __init__(self, splitter: Splitter) -> None:
        self._splitting = splitter.begin()
        self._sentences = WholeSentences()
        # What may still be left out, and what of it the splitter was shown last.
        self._open = ""
        self._shown = ""
        self.english = ""

    def feed(self, part: str) -> list[Piece]:
        stays = self._sentences.feed(part)
        self.english += stays
        self._open = (self._open + part)[len(stays) :]
        pieces = self._splitting.feed(stays)
        following = _NEXT.match(self._open)
        if following and (stays or following[0] != self._shown):
            self._shown = following[0]
            pieces += self._splitting.feed_before(self._shown)
        return pieces

    def end(self, finish: Finish) -> list[Piece]:
        """The rest of the pieces."""
        stays = self._sentences.end(finish)
        self.english += stays
        return [*self._splitting.feed(stays), *self._splitting.end()]
