"""Conditions: gjson paths, of which only existence counts.

KServe's router asks of a Switch step whether its path *exists* in the node's input, and of a
Sequence step whether it exists in the answer before. The value itself (`null`, `false`, `[]`)
does not matter, and nothing exists in a body that is not JSON.
"""

from __future__ import annotations

from graph.golang.gjson.lookup import find
from graph.golang.json import is_valid


def matches(body: bytes, condition: str) -> bool:
    """True where the path of `condition` exists in `body`; never in what is not JSON."""
    return is_valid(body) and exists(body, condition)


def exists(body: bytes, condition: str) -> bool:
    """`matches` for a body that is known to be JSON."""
    return find(body, condition).exists
