"""The figures of the detector as floors; README.md prints what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.predictors.detector.measure import (
    CHOSEN,
    KINDS,
    SERVED,
    Figures,
    measure,
    read_messages,
    recognise_with,
    table,
)

README = Path(__file__).parents[3] / "predictors" / "detector" / "README.md"


@pytest.fixture(scope="module", params=SERVED, ids=lambda served: "-".join(served))
def figures(request: pytest.FixtureRequest) -> dict[tuple[str, str], Figures]:
    recognise = recognise_with(CHOSEN.build(request.param))
    return {
        (kind, half): measure(recognise, request.param, kind, half)
        for kind in KINDS
        for half in ("held out", "all")
    }


@pytest.mark.parametrize("half", ["held out", "all"])
def test_sentences_are_recognised(figures: dict[tuple[str, str], Figures], half: str) -> None:
    found = figures["sentences", half]
    assert found.alone >= 99.5, found.wrong
    assert found.previous >= 99.5, found.wrong
    assert found.switch >= 98, found.wrong


@pytest.mark.parametrize("half", ["held out", "all"])
def test_one_and_two_words_are_recognised(
    figures: dict[tuple[str, str], Figures], half: str
) -> None:
    found = figures["short", half]
    assert found.alone >= 95, found.wrong
    assert found.previous >= 99, found.wrong
    assert found.switch >= 90, found.wrong


@pytest.mark.parametrize("half", ["held out", "all"])
def test_three_and_four_words_are_recognised(
    figures: dict[tuple[str, str], Figures], half: str
) -> None:
    found = figures["phrases", half]
    assert found.alone >= 99, found.wrong
    assert found.previous >= 99, found.wrong
    assert found.switch >= 98, found.wrong


def test_borrowed_words_do_not_decide(figures: dict[tuple[str, str], Figures]) -> None:
    found = figures["borrowed", "all"]
    assert found.alone >= 92, found.wrong
    assert found.previous >= 95, found.wrong
    assert found.switch >= 92, found.wrong


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", SERVED[-1])
def test_a_list_is_what_it_says(kind: str, language: str) -> None:
    messages = read_messages(kind, language)
    texts = [message.text for message in messages]
    assert len(texts) >= {"sentences": 100, "short": 100, "borrowed": 20, "phrases": 29}[kind]
    assert len(set(texts)) == len(texts)
    for message in messages:
        assert message.text.strip() == message.text
        assert message.also <= set(SERVED[-1]) - {language}
        words = [word for word in message.text.split() if any(c.isalpha() for c in word)]
        low, high = {"short": (1, 2), "phrases": (2, 5)}.get(kind, (2, 99))
        assert low <= len(words) <= high, message.text


def test_the_readme_prints_these_figures() -> None:
    text = README.read_text(encoding="utf-8")
    for line in table():
        assert line in text
