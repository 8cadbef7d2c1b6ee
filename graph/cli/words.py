"""A server's words for an error, without the paths of the wire format."""

from __future__ import annotations

import re

from graph.errors import ParleyError

# The command line sends one message at a time, so the path of its only instance says nothing.
_PATH = re.compile(r"\binstances\[0\]\.(user_input\b)?")


def plain_words(err: ParleyError) -> str:
    """One line for a person who wrote a message, not a request."""
    return _PATH.sub(lambda match: "message" if match[1] else "", err.message)
