"""Names of images in a registry, as those who push them and those who pull them write them."""

from __future__ import annotations

import re

from graph.errors import SpecError

# A kubelet refuses large letters in the path; a host of one word is a path to it, too.
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_PART}(:\d+)?(/{_PART})*", re.ASCII)


def check_prefix(prefix: str) -> str:
    """A registry and perhaps a path in it, without a slash at its end. Raises SpecError."""
    bare = prefix.rstrip("/")
    if not _PREFIX.fullmatch(bare):
        raise SpecError(
            f"{prefix}: no registry; write its host and a path, in small letters, as "
            "registry.example.com/parley"
        )
    return bare
