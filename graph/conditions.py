"""Conditions: gjson paths, of which only existence counts.

KServe's router asks of a Switch step whether its path *exists* in the node's input; what stands
there (`null`, `false`, `[]`) does not matter.
"""

from __future__ import annotations

import pygjson

from graph.golang_json import is_valid


def matches(body: bytes, condition: str) -> bool:
    """True where the path of `condition` exists in `body`; never in what is not JSON."""
    return is_valid(body) and exists(body, condition)


def exists(body: bytes, path: str) -> bool:
    """True where `path` exists in `body`, which is valid JSON."""
    return bool(pygjson.get_bytes(body, path).exists())
