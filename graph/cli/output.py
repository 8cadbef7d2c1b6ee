"""How commands print: answers to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from enum import StrEnum
from typing import Any


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


def say(text: str) -> None:
    """To stdout at once: who reads a pipe may wait for it before the next message."""
    print(text, flush=True)


def say_json(value: Any) -> None:
    """Half a character, which JSON can name by an escape, is shown as that escape."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    say(text.encode(errors="backslashreplace").decode())


def note(text: str) -> None:
    """To stderr. That nobody reads it any more stops no command from doing its work."""
    with suppress(OSError):
        print(text, file=sys.stderr)
