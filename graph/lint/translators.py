"""Lint rule that compares the languages of Parley's translators with the ways of the turns.

A translator passes on what is in another language, so a language that is missing in its options
would go untranslated without an error. A translator whose options only the cluster knows is left
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graph import contract
from graph.lint.findings import Problem, Subject
from graph.lint.languages import Ways
from graph.router.walk import Visit
from graph.spec.addresses import address_of
from graph.spec.predictors import options_of
from graph.spec.services import Container

_MODULE = "predictors.translator"


@dataclass(frozen=True)
class _Translator:
    """The languages besides English that it reads and writes; empty for a side that it lacks."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]


def find_untranslated_languages(subject: Subject) -> Iterator[Problem]:
    """A language whose way passes translators, and none of them serves it."""
    ways = Ways.of(subject)
    lost: dict[tuple[str, int, str], list[str]] = {}
    for language in ways.languages:
        if language != contract.PIVOT:
            visits, _ = ways.walk(language)
            for visit, option in _lost_on(subject, visits, language):
                lost.setdefault((visit.node, visit.index, option), []).append(language)
    for (node, index, option), languages in lost.items():
        codes = ", ".join(languages)
        end = "the message reaches the chat" if option == "source" else "the answer goes out"
        yield Problem(
            f"turns in {codes} go this way, and no translator on it serves {codes}: {end} "
            "untranslated",
            f"add {codes} to the languages of the translator, --{option}",
            node,
            index,
        )


def _lost_on(
    subject: Subject, visits: Sequence[Visit], language: str
) -> Iterator[tuple[Visit, str]]:
    """Of each side that is translated on a way, the first translator, if none serves the language.

    The option is that in which the language is missing.
    """
    known = [(visit, _translator_of(subject, visit)) for visit in visits]
    found = [(visit, translator) for visit, translator in known if translator]
    reading = [(visit, translator.reads) for visit, translator in found if translator.reads]
    writing = [(visit, translator.writes) for visit, translator in found if translator.writes]
    for option, side in (("source", reading), ("target", writing)):
        if side and not any(language in languages for _, languages in side):
            yield side[0][0], option


def _translator_of(subject: Subject, visit: Visit) -> _Translator | None:
    """The translator that a step calls; None for another predictor, or one that is not known."""
    address = address_of(visit.step)
    for service in subject.services:
        if address and service.container and address.is_of(service, subject.graph):
            return _read(service.container, address.model)
    return None


def _read(container: Container, model: str) -> _Translator | None:
    options = options_of(container, _MODULE, model)
    if options is None or container.env_from:
        return None
    source, target = _codes(options.get("source")), _codes(options.get("target"))
    if contract.PIVOT not in (*source, *target):
        return None
    into_english = target == (contract.PIVOT,)
    others = source if into_english else target
    if options.get("directions") == "both":
        return _Translator(others, others)
    return _Translator(others, ()) if into_english else _Translator((), others)


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(code.strip() for code in (text or "").split(","))
