from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.detector.recogniser import Recogniser

LANGUAGES = ("en", "fr", "it", "es", "de")
PREVIOUS = st.sampled_from((None, *LANGUAGES))


@settings(deadline=None)
@given(text=st.text(), previous=PREVIOUS)
def test_any_text_has_a_served_language_and_a_probability(
    recogniser: Recogniser, text: str, previous: str | None
) -> None:
    guess = recogniser.recognise(text, previous)
    assert guess.language in LANGUAGES
    assert 0 < guess.confidence < 1


@settings(deadline=None)
@given(
    words=st.lists(
        st.sampled_from("merci hello ciao hola danke non si the le il el der ok 😊 ! :)".split())
    )
)
def test_a_previous_language_never_makes_itself_less_likely(
    recogniser: Recogniser, words: list[str]
) -> None:
    text = " ".join(words)
    alone = recogniser.recognise(text, None).language
    if alone != "en":
        assert recogniser.recognise(text, alone).language == alone


NO_WORDS = [
    "😊😊",
    "12345",
    "?!",
    ":)",
    "3 + 4 = 7",
    "https://example.com/bonjour-tout-le-monde",
    "www.example.fr/bonjour",
    "marie@example.fr",
    "@marie",
    "console.log('bonjour');",
    "```\nprint('bonjour tout le monde')\n```",
    "for (int i = 0; i < n; i++) { sum += a[i]; }",
    "Привет",
    "\u200b",
]


@pytest.mark.parametrize("text", NO_WORDS)
def test_text_without_words_keeps_the_conversation_at_a_blind_guess(
    recogniser: Recogniser, text: str
) -> None:
    for previous, expected in ((None, "en"), ("fr", "fr"), ("de", "de")):
        guess = recogniser.recognise(text, previous)
        assert (guess.language, guess.confidence) == (expected, 1 / 5)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Comment dit-on « thank you very much » en anglais ?", "fr"),
        ('What does "je ne sais pas quoi faire" mean?', "en"),
        ("Pourquoi print('hello world') ne marche pas ?", "fr"),
        ("What is wrong with maison = 'bonjour' in my script?", "en"),
        ("le meeting de demain est cancelled", "fr"),
        ("I love croissants and baguettes", "en"),
        ("Regarde https://example.com/the-best-of-the-year, c'est drôle", "fr"),
        ("GUTEN MORGEN ZUSAMMEN", "de"),
        ("jaaaaaa, vieeeelen dank", "de"),
        ("mercii bcp", "fr"),
        ("qu’est‑ce que tu fais", "fr"),
    ],
)
def test_the_language_around_foreign_words_is_taken(
    recogniser: Recogniser, text: str, language: str
) -> None:
    assert recogniser.recognise(text).language == language


def test_a_sentence_overrules_the_previous_language(recogniser: Recogniser) -> None:
    guess = recogniser.recognise("Sorry, can we go on in English, please?", "fr")
    assert guess.language == "en"
    assert guess.confidence > 0.9


def test_the_default_is_taken_where_nothing_tells() -> None:
    assert Recogniser(("en", "fr"), "fr").recognise("123").language == "fr"


def test_a_single_language_needs_no_guess() -> None:
    guess = Recogniser(("fr",), "fr").recognise("hello there")
    assert (guess.language, guess.confidence) == ("fr", 1)


def test_only_the_beginning_of_a_long_text_is_read(recogniser: Recogniser) -> None:
    french = "Il était une fois un petit ours. " * 100
    assert recogniser.recognise(french + "This is English. " * 400).language == "fr"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Unë jam mirë, faleminderit", "sq"),
        ("Ku po shkon nesër?", "sq"),
        ("Sut wyt ti heddiw?", "cy"),
        ("Привет, как дела?", "ru"),
        ("да", "ru"),
        ("我喜欢喝茶", "zh"),
        ("नमस्ते, आप कैसे हैं?", "hi"),
        ("Dobro jutro, kako si danas?", "hr"),
        ("I would like some tea", "en"),
        ("thanks a lot", "en"),
    ],
)
def test_languages_without_a_word_list_are_served_too(text: str, language: str) -> None:
    """Albanian and Welsh have no list, Chinese none that fits; Croatian's goes by another code."""
    served = ("en", "sq", "cy", "ru", "zh", "hi", "hr")
    assert Recogniser(served, "en").recognise(text).language == language


def test_a_script_of_no_served_language_tells_nothing_without_a_list_either() -> None:
    recogniser = Recogniser(("en", "sq"), "en")
    assert recogniser.recognise("Привет, как дела?").language == "en"
