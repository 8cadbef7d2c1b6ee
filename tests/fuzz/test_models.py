"""Texts that tokenizers in C stumble over, through the shipped predictors with their real models.

What a model makes of them is its own business. It must answer, or say in words why it does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.local import build as local
from graph.local.app import app_of
from tests.conftest import served
from tests.fuzz.effort import tries

pytestmark = [pytest.mark.models, pytest.mark.slow]

# Long enough to be tokenized and begun, short enough for a folder of tests.
SECONDS = 1.5
TEXTS = {
    "runs of >>": ">>" * 4_999 + "x",
    "no space": "a" * 10_000,
    "combining marks": "e" + "\u0301" * 9_999,
    "right to left": "\u202eشكرا جزيلا \u202cתודה רבה " * 100,
    "special tokens": "<|im_end|><|endoftext|></s><s><bos><start_of_turn>" * 50,
    "rare planes": "\U0001f468\u200d\U0001f469\u200d\U0001f467\U000e0041\U0010fffd\ufffe\ufeff"
    * 200,
}
PREDICTORS = {"chat": {}, "translate-fr-en": {"language": "fr"}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    graph = local.build(local.read_file(""), "embedded.yaml")
    graph.load()
    with served(app_of(graph)) as url:
        yield url
    graph.close()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("name", PREDICTORS)
def test_a_text_of_odd_characters_is_answered_or_refused(url: str, name: str, text: str) -> None:
    body = {"user_input": text, "timeout": SECONDS, **PREDICTORS[name]}
    assert ask(url, name, json.dumps(body)) in (200, 400, 413, 504)


@pytest.mark.parametrize("name", PREDICTORS)
def test_half_a_surrogate_pair_never_reaches_a_tokenizer(url: str, name: str) -> None:
    assert ask(url, name, '{"user_input": "a\\ud800"}') == 400


PIECES = [
    ">>",
    "\u0301",
    "\u202e",
    "שלום",
    "مرحبا",
    "\u200d",
    "👩",
    "\ufffd",
    "</s>",
    "▁",
    "Ġ",
    "`",
]


@pytest.mark.parametrize("name", PREDICTORS)
@tries(3)
@given(text=st.text(min_size=1, max_size=200) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_answered_or_refused(url: str, name: str, text: str) -> None:
    body = {"user_input": text, "timeout": SECONDS, **PREDICTORS[name]}
    assert ask(url, name, json.dumps(body)) in (200, 400, 413, 504)


def ask(url: str, name: str, body: str) -> int:
    answer = httpx2.post(f"{url}/v1/models/{name}:predict", content=body.encode(), timeout=120)
    if answer.status_code != 200:
        assert list(answer.json()) == ["error", "request_id"]
    return answer.status_code
