"""Server-sent events, however their bytes are cut."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.http.events import MOST_BYTES, EventReader, EventTooLarge, event, last_event
from tests.requests import json_values

SIZES = st.lists(st.integers(1, 7), min_size=1)


def read(stream: bytes, sizes: Sequence[int]) -> list[str]:
    reader = EventReader()
    found: list[str] = []
    for size in itertools.cycle(sizes):
        if not stream:
            return found
        found += reader.feed(stream[:size])
        stream = stream[size:]
    return found


@given(st.lists(json_values), SIZES)
def test_what_is_written_is_read_however_it_is_cut(values: list[object], sizes: list[int]) -> None:
    stream = b"".join(map(event, values)) + last_event()
    *texts, last = read(stream, sizes)
    assert [json.loads(text) for text in texts] == values
    assert last == "[DONE]"


@given(st.text(alphabet="a:\r\n 😀\ufeff data", max_size=60), SIZES)
def test_the_cuts_of_any_stream_change_nothing(text: str, sizes: list[int]) -> None:
    stream = (text + "\n\n.").encode()
    assert read(stream, sizes) == read(stream, [len(stream)])


def test_an_emoji_may_be_cut_in_its_middle() -> None:
    assert read(event("😀"), [8]) == ['"😀"']


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_comments_other_fields_and_every_line_end_are_read(end: str) -> None:
    lines = ["\ufeff: a comment", "event: x", "id", "data:a", "data: b", "", "data", "", "", "data"]
    assert read(end.join([*lines, "", "."]).encode(), [1]) == ["a\nb", "", ""]


def test_an_event_without_an_end_is_refused() -> None:
    reader = EventReader()
    with pytest.raises(EventTooLarge):
        for _ in range(3):
            reader.feed(b"data: " + b"x" * (MOST_BYTES // 2) + b"\n")
