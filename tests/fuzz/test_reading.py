"""What reads a file or a condition that somebody wrote: any text is taken or refused in words."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentencesplit
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from graph.contract import INNER, PUBLIC, parse_body, read_instances
from graph.errors import RequestError, SpecError
from graph.local.build import DEFAULT_FILE
from graph.router.conditions import matches
from graph.spec.load import choose_graph, load_objects
from graph.text.splitting import Splitter
from tests.fuzz.effort import tries
from tests.requests import json_values, requests

MANIFEST = DEFAULT_FILE.read_text("utf-8")
DOCUMENTS = list(yaml.safe_load_all(MANIFEST))


def read(text: str) -> None:
    """Reads as `parley serve` does; whatever is wrong is a SpecError."""
    try:
        choose_graph(load_objects(text, "f.yaml"), "f.yaml")
    except SpecError as err:
        assert str(err).startswith("f.yaml")
        assert "\n" not in str(err)


YAML_WORDS = st.lists(
    st.sampled_from(
        [
            *("apiVersion", "kind", "metadata", ": ", "- ", "\n", "  ", "{", "}", "[", "]", ","),
            *("&a", "*a", "<<: ", "!!int ", "!!binary ", "!!python/none ", "? ", "| ", "> ", "---"),
            *('"', "'", "\\ud800", "\\x00", "0x", "1e400", "~", "%YAML 1.1\n", "\t", "\ufeff"),
            *("=", "2026-01-01", "1:2:3", ".inf", ".nan", "0b", "0o8", "!!set ", "!!omap "),
            *("!!timestamp ", "!!float ", "!!bool ", "!!null ", "!!pairs ", "_", "-", "+", "9"),
        ]
    ),
    max_size=25,
).map("".join)


@tries(150)
@given(st.text(max_size=60) | YAML_WORDS)
def test_any_text_is_read_as_yaml_or_refused_in_one_line(text: str) -> None:
    read(text)


@tries(25)
@given(
    start=st.integers(0, len(MANIFEST)),
    length=st.integers(0, 200),
    put=YAML_WORDS | st.text(max_size=5),
)
def test_a_manifest_with_a_part_replaced_is_read_or_refused(
    start: int, length: int, put: str
) -> None:
    read(MANIFEST[:start] + put + MANIFEST[start + length :])


@tries(60)
@given(data=st.data())
def test_a_manifest_with_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(("InferenceGraph", "InferenceService")))
    document = copy.deepcopy(next(each for each in DOCUMENTS if each["kind"] == kind))
    holder, key = data.draw(st.sampled_from(list(_places(document))))
    holder[key] = data.draw(json_values)
    # JSON is YAML, and holds halves of surrogate pairs and numbers of any length as escapes.
    read(json.dumps(document))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document, with every key or index of it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


PATHS = st.lists(
    st.sampled_from(
        [
            *("predictions", "route", ".", "|", "#", "#(", "#[", ")", "]", "(", "{", "}", ","),
            *('"fr"', '"', "==", "!=", "<", ">=", "%", "!%", "~true", "~null", "*", "?", "\\", ":"),
            *("@this", "@keys", "@join:", "@dig:", "@flatten", "@tostr", "@fromstr", "@pretty:"),
            *("@reverse", "@group", "@values", "@valid", "!true", "!", "@", "0", "-1", "1e9", "é"),
            *("9" * 400, "\0", "😀"),
        ]
    ),
    max_size=14,
).map("".join)
BODIES = st.one_of(json_values, requests).map(json.dumps).map(str.encode)


@tries(300)
@given(body=BODIES | st.binary(max_size=20), path=PATHS | st.text(max_size=20))
@example(body=b"[[1]]", path="#(" * 99)
@example(body=b"[" * 9_000 + b"]" * 9_000, path="@flatten|@dig:a")
@example(body=b"[" * 9_000 + b"]" * 9_000, path="#(#(#(a)))")
@example(body=b'{"a":1}', path="{" * 3_000)
@example(body=b'{"a":1}', path="@join:" * 3_000)
def test_any_condition_holds_or_does_not(body: bytes, path: str) -> None:
    assert matches(body, path) in (True, False)


LEGAL = json.dumps(
    {
        "instances": [
            {"user_input": "Bonjour", "history": ["Hi", "Hello"], "language": "fr", "timeout": 5}
        ]
    }
).encode()


@tries(200)
@given(
    start=st.integers(0, len(LEGAL)),
    length=st.integers(0, 20),
    put=st.binary(max_size=4) | st.sampled_from([b"1e999", b"\\ud800", b"[" * 2_000, b"-0", b"{}"]),
)
def test_a_body_with_a_part_replaced_is_taken_or_refused_with_a_field(
    start: int, length: int, put: bytes
) -> None:
    body = LEGAL[:start] + put + LEGAL[start + length :]
    for schema in (PUBLIC, INNER):
        try:
            assert read_instances(parse_body(body, schema.limits), schema)
        except RequestError as err:
            assert str(err).startswith(f"{err.field}: ")


SCRIPTS = st.lists(
    st.sampled_from(
        [
            *(
                "Bonjour. ",
                "שלום עולם. ",
                "مرحبا؟ ",
                "\u202eabc\u202c",
                "e" + "\u0301" * 50,
                "中文。",
            ),
            *(">>", "«", "»", "\u200d", "\ufeff", "\x85", "\u2028", "नमस्ते। ", "ไทย", "😀", "1. "),
            *("`", "```\n", "https://", "x@y", "{", "}", "<a ", ">", "a" * 450, "\n", "M. ", "..."),
        ]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize("language", sorted(sentencesplit.list_languages()))
@tries(8)
@given(text=SCRIPTS)
def test_every_language_splits_every_script_and_joins_it_again(language: str, text: str) -> None:
    assert "".join(piece.text for piece in Splitter(language).split(text)) == text
