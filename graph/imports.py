"""What a package does to the process when it is imported, kept off it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_arguments() -> Iterator[None]:
    """Hide the process's arguments: kserve parses them when it is imported."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = arguments
