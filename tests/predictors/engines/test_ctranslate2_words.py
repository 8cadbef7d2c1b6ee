"""Tokens in, parts of a text out: nothing is said that a later token could take back."""

from __future__ import annotations

from collections.abc import Sequence

from predictors.engines.ctranslate2_words import GrowingText


class Bytes:
    """A tokenizer whose tokens are bytes of UTF-8, in hexadecimal."""

    def decode(self, tokens: Sequence[str]) -> str:
        return bytes.fromhex("".join(tokens)).decode("utf-8", "replace")


def tokens_of(text: str) -> list[str]:
    return [f"{byte:02x}" for byte in text.encode()]


def growing(*stop: str) -> tuple[GrowingText, list[str]]:
    parts: list[str] = []
    return GrowingText(Bytes(), stop, parts.append), parts  # type: ignore[arg-type]


def test_a_character_comes_when_all_its_bytes_have_come() -> None:
    text, parts = growing()
    assert not any(map(text.add, tokens_of("é😀")))
    assert parts == ["é", "😀"]


def test_what_may_become_a_stop_text_waits_and_a_stop_text_ends_the_generation() -> None:
    text, parts = growing("</s>", "END")
    assert [text.add(token) for token in tokens_of("a</b E")] == [False] * 6
    assert parts == ["a", "</b", " "]
    assert [text.add(token) for token in tokens_of("ND")] == [False, True]
    text.end("a</b ")
    assert parts == ["a", "</b", " "]


def test_a_batch_that_is_tried_again_says_nothing_twice() -> None:
    text, parts = growing()
    for _ in range(2):
        text.begin()
        for token in tokens_of("Hi"):
            text.add(token)
    text.end("Hi!")
    assert parts == ["H", "i", "!"]


def test_the_generation_ends_when_the_reader_has_left() -> None:
    text, parts = growing()
    text.leave()
    assert text.add("41")
    assert parts == []
