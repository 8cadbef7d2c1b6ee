"""Lint rules that compare the languages of Parley's detector with the branches of the graph.

The languages are read from the arguments or the environment of the detector's container. To find
out which branch a language takes, a sample of the detector's answer goes through the graph as
KServe routes it, so a condition may be written in any way. A graph without this detector is left
alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from string import ascii_lowercase

from graph import contract
from graph.asgi import Answer
from graph.lint.findings import Problem, Subject
from graph.lint.structure import find_cyclic_steps
from graph.router.conditions import exists
from graph.router.walk import NO_ROUTE, Headers, Visit, route
from graph.spec.model import Graph, RouterType, Step
from graph.spec.services import Container, InferenceService

DEFAULT_LANGUAGES = "en,fr"
_MODULE = "predictors.detector"
_OPTION = "--languages"
_VARIABLE = "PARLEY_LANGUAGES"
_REQUEST = b'{"instances":[{"user_input":"x"}]}'
# A route that no condition can mean.
_NO_LANGUAGE = "-"
# Every ISO 639-1 code is two small letters.
_CODES = tuple(map("".join, itertools.product(ascii_lowercase, repeat=2)))

Place = tuple[str, int]


def find_languages_without_branch(subject: Subject) -> Iterator[Problem]:
    """A Switch that sends a served language to English's step, or nowhere."""
    ways = Ways.of(subject)
    lost: dict[tuple[str, int | None], list[str]] = {}
    for language in ways.languages:
        place = ways.lost_at(language)
        if place is not None:
            lost.setdefault(place, []).append(language)
    for (node, index), languages in lost.items():
        happens = "no step is chosen" if index is None else "nothing translates it to English"
        yield Problem(
            f"the detector serves {', '.join(languages)}, which has no branch here: {happens}",
            f'add a step with condition: predictions.#(route=="{languages[0]}") before the last '
            f"one, or remove the language from the detector's {_OPTION}",
            node,
            index,
        )


def find_branches_without_language(subject: Subject) -> Iterator[Problem]:
    """A step of a Switch for a language that the detector does not serve."""
    ways = Ways.of(subject)
    if not ways.languages:
        return
    taken = {place for name in (*ways.languages, _NO_LANGUAGE) for place in ways.choices(name)}
    idle: dict[Place, list[str]] = {}
    for code in ways.named_codes():
        place = next((place for place in ways.choices(code) if place not in taken), None)
        if place is not None:
            idle.setdefault(place, []).append(code)
    for (node, index), codes in idle.items():
        yield Problem(
            f"the step is for {', '.join(codes)}, but the detector serves only "
            f"{', '.join(ways.languages)}: no request ever takes it",
            f"add the language to the detector's {_OPTION}, or remove the step",
            node,
            index,
        )


def served_languages(container: Container | None) -> tuple[str, ...] | None:
    """The languages that a detector's container serves; None where only the cluster knows them."""
    if container is None:
        return None
    environ = container.known_environ()
    words = container.known_words()
    hidden = container.env_from or _VARIABLE in [v.name for v in container.env if v.value is None]
    text = None if hidden else environ.get(_VARIABLE, DEFAULT_LANGUAGES)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == _OPTION:
            text = following
        elif word.startswith(f"{_OPTION}="):
            text = word.partition("=")[2]
    return None if text is None else tuple(code.strip() for code in text.split(","))


@dataclass(frozen=True)
class Ways:
    """The ways through a graph, by the language that its detector finds."""

    graph: Graph
    detectors: frozenset[str]
    languages: tuple[str, ...]

    @staticmethod
    def of(subject: Subject) -> Ways:
        """Without a language where no detector is called, where its languages are not known, and
        for a graph with a cycle, in which a walk may never end.
        """
        graph = subject.graph
        services = subject.services_of_namespace()
        detectors = [s for s in services if s.name in graph.service_names() and is_detector(s)]
        served = {s.name: served_languages(s.container) for s in detectors}
        if None in served.values() or find_cyclic_steps(graph):
            served = {}
        languages = itertools.chain.from_iterable(filter(None, served.values()))
        return Ways(graph, frozenset(served), tuple(dict.fromkeys(languages)))

    def choices(self, language: str) -> list[Place]:
        """The steps of Switches that are chosen behind the detector."""
        return [(visit.node, visit.index) for visit in self._switched(self.walk(language)[0])]

    def lost_at(self, language: str) -> tuple[str, int | None] | None:
        """The Switch step for English if a language takes it, or the Switch without a step for it.

        None where the language has a branch.
        """
        if language == contract.PIVOT:
            return None
        visits, answer = self.walk(language)
        switched = self._switched(visits)
        if NO_ROUTE.encode() in answer.body:
            return next((v.step.node_name, None) for v in reversed(visits) if v.step.node_name)
        if contract.PIVOT not in self.languages or not switched:
            return None
        last = switched[-1].node, switched[-1].index
        return last if self.choices(language) == self._english else None

    def named_codes(self) -> list[str]:
        """The codes that are not served and that some condition tells from no language."""
        conditions = {
            step.condition
            for _, node, _, step in self.graph.steps()
            if node.router_type is RouterType.SWITCH
        }
        holds = {text: exists(_sample(_NO_LANGUAGE), text) for text in conditions}
        return [
            code
            for code in _CODES
            if code not in self.languages
            and any(exists(_sample(code), text) != held for text, held in holds.items())
        ]

    @cached_property
    def _english(self) -> list[Place]:
        return self.choices(contract.PIVOT)

    def _switched(self, visits: list[Visit]) -> list[Visit]:
        """The visits behind the detector whose step was chosen by a Switch."""
        behind = itertools.dropwhile(lambda v: v.step.service_name not in self.detectors, visits)
        nodes = self.graph.nodes
        return [v for v in behind if nodes[v.node].router_type is RouterType.SWITCH]

    def walk(self, language: str) -> tuple[list[Visit], Answer]:
        """The steps that a turn in a language takes, and what is answered."""

        async def call(step: Step, body: bytes, headers: Headers) -> Answer:
            return Answer(200, _sample(language))

        visits: list[Visit] = []
        walk = route(self.graph, _REQUEST, (), call, draw=lambda: 0, watch=visits.append)
        # Whoever lints in a notebook does so within an event loop, and a thread has one at a time.
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(asyncio.run, walk).result()
        return sorted(visits, key=lambda visit: visit.order), answer


def is_detector(service: InferenceService) -> bool:
    container = service.container
    return container is not None and _MODULE in (*container.command, *container.args)


def _sample(language: str) -> bytes:
    """The detector's answer to a turn in a language, with the fields that conditions read."""
    turn = {contract.USER_INPUT: "x", contract.LANGUAGE: language, contract.ROUTE: language}
    if language == contract.PIVOT:
        turn[contract.USER_INPUT_EN] = "x"
    return json.dumps({"predictions": [turn]}).encode()
