"""Parallel examples: built in, of the operator's own, and apart from what is measured."""

from importlib.resources import files
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.translator.examples import Example, built_in_languages, load_examples
from predictors.translator.phrases import PhraseBook
from predictors.translator.prompts import EXAMPLES
from tests.predictors.translator.sentences import load_sentences

BUILT_IN = ("de", "es", "fr", "it")


@pytest.mark.parametrize("language", BUILT_IN)
def test_a_built_in_language_has_enough_examples_both_ways(language: str) -> None:
    there = load_examples("en", language)
    back = load_examples(language, "en")
    assert len(there) >= EXAMPLES
    assert back == [Example(example.target, example.source) for example in there]


def test_every_built_in_file_is_known_here() -> None:
    folder = files("predictors.translator") / "examples"
    assert sorted(file.name for file in folder.iterdir()) == [f"{code}.tsv" for code in BUILT_IN]
    assert built_in_languages() == list(BUILT_IN)


@pytest.mark.parametrize("language", BUILT_IN)
def test_a_greeting_and_thanks_are_among_the_phrases_of_every_built_in_language(
    language: str,
) -> None:
    there = PhraseBook(load_examples("en", language))
    back = PhraseBook(load_examples(language, "en"))
    for english in ("Hello!", "Good night!", "Thank you.", "You're welcome.", "Yes."):
        translation = there.translate(english)
        assert translation and back.translate(translation) == english


def test_a_pair_without_english_is_joined_by_it() -> None:
    [first, *_] = load_examples("fr", "it")
    assert first == Example("Bonjour ! Tu as bien dormi ?", "Buongiorno! Hai dormito bene?")


def test_a_language_without_examples_has_none() -> None:
    assert load_examples("en", "eo") == load_examples("eo", "fr") == []


def test_a_folder_of_the_operator_adds_and_replaces_languages(tmp_path: Path) -> None:
    (tmp_path / "eo.tsv").write_text("# Esperanto\n\nGood day.\tBonan tagon.\n", encoding="utf-8")
    assert load_examples("en", "eo", str(tmp_path)) == [Example("Good day.", "Bonan tagon.")]
    assert load_examples("en", "fr", str(tmp_path)) == load_examples("en", "fr")
    (tmp_path / "fr.tsv").write_text("Hello.\tSalut.\n", encoding="utf-8")
    assert load_examples("en", "fr", str(tmp_path)) == [Example("Hello.", "Salut.")]


@pytest.mark.parametrize("line", ["one column", "a\tb\tc", "\tno english", "nothing\t "])
def test_a_line_of_another_form_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "eo.tsv").write_text(f"Good day.\tBonan tagon.\n{line}\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"eo\.tsv, line 2"):
        load_examples("en", "eo", str(tmp_path))


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "eo.tsv").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=r"eo\.tsv"):
        load_examples("en", "eo", str(tmp_path))


@pytest.mark.parametrize(("source", "target"), [("en", "fr"), ("fr", "en")])
def test_no_example_is_among_the_measured_sentences(source: str, target: str) -> None:
    measured = load_sentences(source, target)
    assert len(measured) == 60
    texts = {_bare(text) for line in measured for text in (line.source, *line.references)}
    shown = {
        _bare(text)
        for example in load_examples(source, target)
        for text in (example.source, example.target)
    }
    assert not texts & shown


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
