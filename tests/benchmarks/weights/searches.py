"""How the checkpoints of the bench search: the beams of the real ones or none, fixed lengths.

Nothing here needs torch, so that whoever asks for the same work elsewhere reads it here too.
"""

from __future__ import annotations

from typing import Any

# New tokens of an answer, without the end token.
LENGTHS = {"marian": 24, "blenderbot": 28, "t5": 30}
BEAMS = {"marian": 4, "blenderbot": 10, "t5": 4}
PREFIX = "translate English to French: "
SEARCHES = ("beams", "greedy")


# Entries of a generation config that a search decides.
OWN_SETTINGS = ("num_beams", "max_length", "min_length", "early_stopping", "length_penalty")


def prefix_of(family: str) -> str:
    """What a text for the family is preceded by."""
    return PREFIX if family == "t5" else ""


def beams_of(family: str, search: str) -> int:
    return BEAMS[family] if search == "beams" else 1


def settings_of(family: str, search: str) -> dict[str, Any]:
    """Entries of a generation config. Lengths count the decoder's start token and the end token."""
    # T5 has no end token that is forced, and its words are as many as its tokens.
    longest = LENGTHS[family] + (1 if family == "t5" else 2)
    settings: dict[str, Any] = {
        "num_beams": beams_of(family, search),
        "max_length": longest,
        "min_length": longest - 1,
    }
    if family == "t5":
        settings["early_stopping"] = search == "beams"
    if family == "blenderbot":
        settings |= {"no_repeat_ngram_size": 3, "encoder_no_repeat_ngram_size": 3}
        if search == "beams":
            settings["length_penalty"] = 0.65
    return settings
