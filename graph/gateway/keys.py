"""The API keys that a gateway takes: from a file, such as a mounted Secret, a key a line."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graph.errors import KeyRefused, SpecError

_SCHEME = b"bearer "
_SHORTEST = 16


@dataclass(frozen=True)
class ApiKeys:
    """Without a key, everybody may ask."""

    keys: tuple[bytes, ...] = ()

    @staticmethod
    def of_file(path: Path) -> ApiKeys:
        """Raises SpecError for a file that cannot be read, and for a key that is easily guessed."""
        try:
            lines = path.read_text("utf-8").split()
        except (OSError, UnicodeDecodeError) as err:
            raise SpecError(f"--api_keys {path}: cannot be read as UTF-8 text") from err
        if not lines:
            raise SpecError(f"--api_keys {path}: holds no key; without the option all may ask")
        if min(map(len, lines)) < _SHORTEST:
            raise SpecError(f"--api_keys {path}: a key has at least {_SHORTEST} characters")
        return ApiKeys(tuple(line.encode() for line in lines))

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raises KeyRefused. How long it takes tells nothing of how much of a key is right."""
        if not self.keys:
            return
        given = dict(headers).get(b"authorization", b"")
        key = given[len(_SCHEME) :] if given.lower().startswith(_SCHEME) else b""
        # All are compared, so that the time does not tell which one it was.
        found = [hmac.compare_digest(key, each) for each in self.keys]
        if not any(found):
            raise KeyRefused("no API key that is known here; send Authorization: Bearer KEY")
