"""Each beginning of prompts has a slot, and the one used longest ago goes first."""

from __future__ import annotations

from predictors.engines.kept_prefixes import KeptPrefixes


def use(kept: KeptPrefixes, prefix: str) -> int:
    slot = kept.slot_of(prefix)
    kept.note(slot, prefix)
    return slot


def test_beginnings_in_turn_keep_their_slots() -> None:
    kept = KeptPrefixes(2)
    assert [use(kept, prefix) for prefix in ("fr", "en", "fr", "en", "fr")] == [0, 1, 0, 1, 0]
    assert (kept.held(0), kept.held(1)) == ("fr", "en")


def test_prompts_without_a_beginning_have_a_slot_of_their_own() -> None:
    kept = KeptPrefixes(2)
    assert [use(kept, prefix) for prefix in ("", "fr", "", "fr")] == [0, 1, 0, 1]


def test_a_new_beginning_takes_the_slot_that_was_used_longest_ago() -> None:
    kept = KeptPrefixes(2)
    assert [use(kept, prefix) for prefix in ("a", "b", "a", "c", "a", "b")] == [0, 1, 0, 1, 0, 1]


def test_a_slot_whose_content_is_not_known_is_taken_first() -> None:
    kept = KeptPrefixes(2)
    use(kept, "a")
    use(kept, "b")
    kept.note(1, None)
    assert kept.slot_of("c") == 1
