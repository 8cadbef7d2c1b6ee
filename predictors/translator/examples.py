"""Parallel sentences that show a base model what to do: one small file a language.

`examples/fr.tsv` holds lines of an English sentence, a tab and its French translation; lines that
begin with `#` are comments. A folder of the operator's own comes before the built-in one, so a
language is added, or its examples are replaced, by one file. None of the sentences is among those
that the prompt is measured with (a test holds this).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from graph.contract import PIVOT
from predictors.pairs import read_pairs


@dataclass(frozen=True)
class Example:
    """A sentence and its translation."""

    source: str
    target: str


def load_examples(source: str, target: str, folder: str = "") -> list[Example]:
    """Examples for a pair of languages; empty where a language has none.

    A pair without English is joined by the English sentences that both languages have. Raises
    ModelError for a file that is not of that form.
    """
    into_source, into_target = (_from_english(code, folder) for code in (source, target))
    if source == PIVOT:
        return [Example(english, text) for english, text in into_target.items()]
    if target == PIVOT:
        return [Example(text, english) for english, text in into_source.items()]
    return [
        Example(text, into_target[english])
        for english, text in into_source.items()
        if english in into_target
    ]


def built_in_languages() -> list[str]:
    """The languages that Parley has examples for, without English."""
    folder = files(__package__) / "examples"
    return sorted(file.name.removesuffix(".tsv") for file in folder.iterdir())


def _from_english(language: str, folder: str) -> dict[str, str]:
    """The sentences of a language by their English ones, in the file's order."""
    if language == PIVOT:
        return {}
    name = f"{language}.tsv"
    places: list[Traversable] = [Path(folder) / name] if folder else []
    places.append(files(__package__) / "examples" / name)
    for place in places:
        if place.is_file():
            form = "an English sentence, a tab and its translation"
            return dict(read_pairs(place, f"examples {name}", form))
    return {}
