"""`PROPAGATE_HEADERS`, which chooses the client's headers that services receive, as in KServe.

It is a comma-separated list of regular expressions. Each is searched anywhere in the canonical name
(`X-Request-Id`), and letter case counts. A pattern that does not compile is left out. If the
variable is set but empty, it is one empty pattern, which matches every header, `Authorization`
included. RE2 reads the patterns, because Go's `regexp` is the same language and Python's `re` is
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import re2  # type: ignore[import-untyped]

VARIABLE = "PROPAGATE_HEADERS"


class HeaderPattern(Protocol):
    def search(self, text: str) -> object | None: ...


HeaderPatterns = Sequence[HeaderPattern]


def read_patterns(value: str | None) -> tuple[list[HeaderPattern], list[str]]:
    """The patterns of the variable's value (None: not set), and those that do not compile."""
    patterns: list[HeaderPattern] = []
    refused: list[str] = []
    options = re2.Options()
    options.log_errors = False
    for text in [] if value is None else value.split(","):
        try:
            patterns.append(re2.compile(text, options))
        except re2.error:
            refused.append(text)
    return patterns, refused
