"""Strings of JSON as gjson reads them."""

import json

import pytest

from graph.golang.gjson.text import unescape
from graph.router.conditions import matches


@pytest.mark.parametrize("text", ["é😀", "😀é", "😀😀", "a\\é😀\n"])
def test_escapes_that_stand_side_by_side_are_read_as_the_text(text: str) -> None:
    assert unescape(json.dumps(text)[1:-1]).encode("latin-1").decode() == text


def test_a_character_before_an_escaped_emoji_breaks_no_condition() -> None:
    body = json.dumps({"é😀": 1, "a": [{"b": "é😀"}]}).encode()
    assert matches(body, "é😀")
    assert matches(body, 'a.#(b=="é😀")')
    assert not matches(body, "é")


def test_half_a_pair_is_one_unknown_character() -> None:
    assert unescape(r"\u00e9\ud83d").encode("latin-1").decode() == "é\ufffd"
