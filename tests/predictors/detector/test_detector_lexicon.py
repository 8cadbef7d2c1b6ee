from __future__ import annotations

import pytest

from predictors.detector.lexicon import Lexicon
from predictors.detector.message import MAX_CHARACTERS, read_prose, split_words


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(("en", "fr", "de", "sq", "ja"))


def test_only_languages_with_a_list_of_words_are_held(lexicon: Lexicon) -> None:
    assert lexicon.languages == ("en", "fr", "de")


def test_a_common_word_is_most_frequent_where_it_belongs(lexicon: Lexicon) -> None:
    for word, language in (("merci", "fr"), ("thanks", "en"), ("danke", "de")):
        found = lexicon.look_up(word)
        assert max(found, key=found.__getitem__) == language


@pytest.mark.parametrize(
    ("word", "language"),
    [("desole", "fr"), ("coeur", "fr"), ("schoen", "de"), ("spaet", "de"), ("strasse", "de")],
)
def test_a_word_without_its_accents_is_found(lexicon: Lexicon, word: str, language: str) -> None:
    assert lexicon.look_up(word)[language] > 1e-6


def test_a_stretched_word_counts_a_little(lexicon: Lexicon) -> None:
    for stretched, word in (("ouiiiii", "oui"), ("helloooo", "hello"), ("goood", "good")):
        assert 0 < max(lexicon.look_up(stretched).values()) < max(lexicon.look_up(word).values())


def test_an_unknown_word_is_found_nowhere(lexicon: Lexicon) -> None:
    assert lexicon.look_up("xqzzyk") == {}
    assert lexicon.look_up_near("xqzzyk") == {}


@pytest.mark.parametrize("typo", ["meric", "merc", "merxi", "mercpi"])
def test_each_slip_of_a_finger_is_near_its_word(lexicon: Lexicon, typo: str) -> None:
    found = lexicon.look_up_near(typo)
    assert found["fr"] >= 0.03 * lexicon.look_up("merci")["fr"]


def test_very_short_and_very_long_words_have_no_near_ones(lexicon: Lexicon) -> None:
    assert lexicon.look_up_near("xqz") == {}
    assert lexicon.look_up_near("anticonstitutionnelement") == {}


def test_words_are_folded_and_cut_as_the_lists_are() -> None:
    assert split_words("L'heure, don't! STRASSE Straße h2o 12 😊") == [
        "l",
        "heure",
        "don't",
        "strasse",
        "strasse",
    ]


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("Look at https://example.com/a?b=c now", "Look at now"),
        ("Écris à marie@example.fr ou à @paul", "Écris à ou à"),
        ("Why does `for x in y` fail?", "Why does fail?"),
        ('She said "guten Tag" to me twice', "She said to me twice"),
        ('"guten Tag" again', '"guten Tag" again'),
        ("rename old_name to new_name please", "rename to please"),
        ("old_name = new_name; print(old_name)", ""),
        ("set the user_name field before saving it", "set the field before saving it"),
        ("one (or two) words; and a/b :) <3", "one (or two) words; and a/b :) <3"),
    ],
)
def test_prose_is_what_a_person_wrote(text: str, prose: str) -> None:
    assert " ".join(read_prose(text).split()) == prose


def test_the_prose_of_a_long_text_is_bounded() -> None:
    assert len(read_prose("abc " * 10_000)) <= MAX_CHARACTERS
