"""The manifests that Parley ships, as the beginning of what is written from Python.

Probes, limits, security and time-outs are said once, in manifests/. Nothing of it stands in Python:
an object is a copy of a shipped one with its names and options changed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from graph.spec.documents import Place, mapping, read_documents, read_yaml
from graph.spec.sources import SHIPPED, read_source

# A Kubernetes object as JSON has it.
Object = dict[str, Any]


class Variant(StrEnum):
    """A shipped file: small models in the images, or the reference models on CPUs or GPUs."""

    EMBEDDED = "embedded"
    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True)
class ModelTable:
    """Which models a language has by its code: one for each direction, or one of many languages.

    by_example: the languages of a model that translates by examples.
    """

    to_english: Mapping[str, str]
    from_english: Mapping[str, str]
    many: Mapping[str, list[str]]
    by_example: Mapping[str, list[str]]

    def pairs(self) -> dict[str, tuple[str, str]]:
        """The models to English and from English of each language that has both."""
        many = {code: model for model, codes in self.many.items() for code in codes}
        to_english, from_english = many | {**self.to_english}, many | {**self.from_english}
        both = to_english.keys() & from_english.keys()
        return {code: (to_english[code], from_english[code]) for code in both}


def read_shipped(variant: Variant) -> list[Object]:
    """A copy of every object of a file."""
    return deepcopy(_read(variant))


def find_shipped(variant: Variant, kind: str, name: str = "") -> Object:
    """A copy of one object; without a name the only one of its kind."""
    return next(
        deepcopy(item)
        for item in _read(variant)
        if item["kind"] == kind and name in ("", item["metadata"]["name"])
    )


def read_models() -> ModelTable:
    """The chart's table, a copy of which is installed beside this module."""
    text, source = read_source(str(Path(__file__).with_name("models.yaml")))
    table = mapping(read_yaml(text, source), Place(source))
    return ModelTable(table["toEnglish"], table["fromEnglish"], table["many"], table["byExample"])


@functools.cache
def _read(variant: Variant) -> list[Object]:
    text, source = read_source(str(SHIPPED / f"{variant}.yaml"))
    return [item for _, item in read_documents(text, source)]
