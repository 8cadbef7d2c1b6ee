"""JSON as Go reads and writes it. The router's use of it is held in tests/conformance."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.golang.json import (
    MAX_VALID_DEPTH,
    Pairs,
    decode_object,
    decode_pairs,
    encode,
    format_number,
    is_valid,
    is_valid_when_deep,
)

MARKS = '{}[]",:0.-+eE1\\u tfn'
FLOATS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(1e-7, 1e-3)
    | st.integers(-(10**22), 10**22).map(float)
    | st.sampled_from((0.0, -0.0, 1.0, 1e15, 1e16, 1e21, 1e-4, 1e-5, 1e-6))
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: object) -> None:
    plain = json.dumps(value).encode()
    assert json.loads(encode(value), parse_int=float) == json.loads(plain, parse_int=float)


TEXTS = st.text(alphabet='<>&"\\/\x00\x7f\u2028\ud800\udc00\ufffdé😀a', max_size=5)
WRITTEN = st.recursive(
    st.none() | st.booleans() | FLOATS | TEXTS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(TEXTS, inner)
        | st.lists(st.tuples(TEXTS, inner)).map(Pairs)
    ),
    max_leaves=20,
)


@given(WRITTEN)
def test_a_value_is_written_the_same_beside_a_number_that_python_would_write_otherwise(
    value: object,
) -> None:
    assert encode([value, 1e300]) == encode([value])[:-1] + b",1e+300]"


@given(FLOATS)
def test_a_number_keeps_its_value_and_its_shortest_form(value: float) -> None:
    text = format_number(value)
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    digits = text.partition("e")[0].replace(".", "").strip("-0")
    assert digits == repr(value).partition("e")[0].replace(".", "").strip("-0")
    assert ("e" in text) == (value != 0 and not 1e-6 <= abs(value) < 1e21)


@given(
    st.binary(max_size=30) | st.text(alphabet='{}[]",:0.-+eE1\\u tfn', max_size=12).map(str.encode)
)
def test_the_two_scanners_agree_on_what_is_json(body: bytes) -> None:
    assert is_valid(body) == is_valid_when_deep(body)


def test_objects_keep_their_order_and_duplicates_until_go_would_not() -> None:
    assert decode_pairs(b'{"b":1,"a":2,"b":3}') == Pairs([("b", 1.0), ("a", 2.0), ("b", 3.0)])
    assert decode_object(b'{"b":1,"a":2,"b":3}') == {"b": 3.0, "a": 2.0}


@pytest.mark.parametrize("levels", [1000, 5000, MAX_VALID_DEPTH])
def test_json_may_be_as_deep_as_go_reads_it(levels: int) -> None:
    assert is_valid(b"[" * levels + b"]" * levels)


def test_json_that_is_deeper_is_none() -> None:
    assert not is_valid(b"[" * (MAX_VALID_DEPTH + 1) + b"]" * (MAX_VALID_DEPTH + 1))
