"""Checkpoints of both searches, which have the same weights; those lie on the disk once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.benchmarks.weights import architectures
from tests.benchmarks.weights.architectures import FAMILIES, Size
from tests.benchmarks.weights.searches import SEARCHES
from tests.benchmarks.weights.vocabularies import Words, frequent_words

_OWN = ("generation_config.json", "config.json")


def make_sources(
    size: Size, folder: Path, seed: int, words: Words = frequent_words
) -> dict[str, dict[str, Path]]:
    """Checkpoints by search and family, in a new folder."""
    return {search: _of_search(size, folder, search, seed, words) for search in SEARCHES}


def _of_search(size: Size, folder: Path, search: str, seed: int, words: Words) -> dict[str, Path]:
    made = {family: folder / search / family for family in FAMILIES}
    for family, path in made.items():
        print(f"making {family}, {search}", file=sys.stderr)
        if search == SEARCHES[0]:
            architectures.make(family, path, size, seed, words)
        else:
            _link(folder / SEARCHES[0] / family, path)
        architectures.set_search(path, family, search)
    return made


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.name in _OWN:
            (target / file.name).write_bytes(file.read_bytes())
        else:
            os.link(file, target / file.name)
