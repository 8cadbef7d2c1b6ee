"""The models that the gateway offers: the graph, and the graph for one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.errors import NotServed
from graph.lint.languages import is_detector, served_languages
from graph.spec.model import Graph
from graph.spec.services import InferenceService


@dataclass(frozen=True)
class Models:
    """languages: those that the graph's detector serves; empty where that is not known."""

    name: str
    languages: tuple[str, ...]

    @staticmethod
    def of(graph: Graph, services: Sequence[InferenceService]) -> Models:
        called = set(graph.service_names())
        detectors = [s for s in services if s.name in called and is_detector(s)]
        found = [served_languages(detector.container) or () for detector in detectors]
        return Models(graph.name, tuple(dict.fromkeys(code for codes in found for code in codes)))

    @property
    def names(self) -> list[str]:
        return [self.name, *(f"{self.name}:{code}" for code in self.languages)]

    def language_of(self, model: str) -> str:
        """The language that a model's name fixes, empty for none. Raises NotServed."""
        if model not in self.names:
            raise NotServed(f"{model[:100]}: no such model; there are {', '.join(self.names)}")
        return model[len(self.name) + 1 :]
