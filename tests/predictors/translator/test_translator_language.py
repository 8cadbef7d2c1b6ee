"""Sees another language in a translation, with lingua's own models."""

from dataclasses import replace

import pytest

from predictors.translator.language import LanguageCheck
from predictors.translator.prompting import PromptStrategy
from predictors.translator.quality import Judge, Translated
from tests.predictors.translator.fake import FakeEngine

GIFT = "What is your father's favorite gift?"


@pytest.fixture(scope="module")
def check():
    check = LanguageCheck({"en", "fr"})
    check.load()
    return check


@pytest.mark.parametrize(
    ("source", "answer", "language"),
    [
        (GIFT, GIFT, "fr"),
        (GIFT, "Quel est votre père's favorite gift ?", "fr"),
        (GIFT, "My dad likes to get books for his birthday.", "fr"),
        ("Quel est le cadeau préféré de ton père ?", "What is le cadeau préféré of Dad?", "en"),
    ],
)
def test_another_language_is_seen_in_the_whole_or_in_a_part(check, source, answer, language):
    assert check.is_foreign(source, answer, language)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (GIFT, "Quel est le cadeau préféré de votre père ?"),
        # Too short to be judged.
        ("OK, thanks!", "OK, thanks!"),
        ("Yes, sir.", "Yes, sir."),
        # Names, numbers and what stands for protected places.
        ("I met George Washington Carver.", "George Washington Carver, 1864."),
        ("Call 01 23 45 67 89.", "Appelez le 01 23 45 67 89."),
        ("X1 X2 X3", "X1 X2 X3"),
        ("I watched Game of Thrones.", "J'ai regardé Game of Thrones."),
        # French itself.
        ("The football match is at noon.", "Le match de football est à midi."),
        ("", ""),
    ],
)
def test_a_right_translation_a_short_one_a_name_and_a_number_are_not(check, source, answer):
    assert not check.is_foreign(source, answer, "fr")


def test_a_third_language_is_seen_where_the_translator_serves_it():
    check = LanguageCheck(["en", "fr", "es"])
    check.load()
    spanish = "Mi gato duerme en la cocina y mi perro en el jardín."
    assert check.is_foreign("My cat sleeps in the kitchen, my dog outside.", spanish, "fr")


@pytest.mark.parametrize("languages", [["en", "xh", "zz"], ["zz", "en"], ["en"]])
def test_a_language_that_lingua_does_not_know_is_not_judged(languages):
    check = LanguageCheck(languages)
    check.load()
    assert not check.is_foreign(GIFT, GIFT, "zz")


def test_codes_of_three_letters_are_known_too():
    check = LanguageCheck(["eng", "fra"])
    check.load()
    assert check.is_foreign(GIFT, GIFT, "fra")


@pytest.mark.parametrize("second", ["Quel est le cadeau préféré de ton père ?", ""])
async def test_a_mixed_sentence_is_tried_once_more_and_else_told(second):
    mixed = "Quel est votre père's favorite gift ?"
    engine = FakeEngine(lambda text: mixed if len(engine.calls) == 1 else second)
    engine.info = replace(engine.info, has_chat_template=True)
    judge = Judge("fr", LanguageCheck(["en", "fr"]))
    strategy = PromptStrategy(engine, "en", "fr", [], None, judge)
    strategy.check()
    expected = Translated(second) if second else Translated(mixed, poor=True)
    assert await strategy.translate([GIFT]) == [expected]
    assert len(engine.calls) == 2
