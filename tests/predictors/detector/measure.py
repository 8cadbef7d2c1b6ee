"""How often the detector is right on the lists in data/.

Run it as `python -m tests.predictors.detector.measure`; `--help` names what else it prints.

A list line is a message, and after a tab the other languages in which one writes just the same.
Odd lines were there to develop on, even lines were held out. Every figure is a percentage:

- alone: no previous language; a language of the message's own list or of its tab is right.
- same: the previous language is the list's; only that one is right.
- switch: the previous language is each of the others in turn, but those of the tab; right is what
  is right alone.
"""

from __future__ import annotations

import argparse
import functools
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from predictors.detector.lexicon import Lexicon
from predictors.detector.recogniser import Recogniser, Weights

DATA = Path(__file__).parent / "data"
SERVED = (("en", "fr"), ("en", "fr", "it"), ("en", "fr", "it", "es", "de"))
KINDS = ("sentences", "borrowed", "phrases", "short")
HALVES = ("developed on", "held out", "all")

Recognise = Callable[[str, str | None], str]


@dataclass(frozen=True)
class Message:
    text: str
    language: str
    also: frozenset[str]


@dataclass(frozen=True)
class Figures:
    """Percentages, and the messages that went wrong as lines to read."""

    alone: float
    previous: float
    switch: float
    wrong: tuple[str, ...]


def read_messages(kind: str, language: str, half: str = "all") -> list[Message]:
    """The messages of data/<kind>.<language>.tsv."""
    lines = (DATA / f"{kind}.{language}.tsv").read_text(encoding="utf-8").splitlines()
    start, step = {"developed on": (0, 2), "held out": (1, 2), "all": (0, 1)}[half]
    messages = []
    for line in lines[start::step]:
        text, _, also = line.partition("\t")
        messages.append(Message(text, language, frozenset(also.split(",")) - {""}))
    return messages


def measure(recognise: Recognise, served: Sequence[str], kind: str, half: str = "all") -> Figures:
    """The figures of one kind of message, over all served languages together."""
    messages = [m for language in served for m in read_messages(kind, language, half)]
    wrong: list[str] = []
    return Figures(
        _share(_alone(recognise, messages), wrong),
        _share(_with_previous(recognise, messages), wrong),
        _share(_switched(recognise, messages, served), wrong),
        tuple(wrong),
    )


def recognise_with(recogniser: Recogniser) -> Recognise:
    """Each message is recognised once, though the halves and the whole both ask for it."""
    return functools.cache(lambda text, previous: recogniser.recognise(text, previous).language)


def _alone(recognise: Recognise, messages: Iterable[Message]) -> Iterator[tuple[bool, str]]:
    for message in messages:
        found = recognise(message.text, None)
        yield found in {message.language, *message.also}, f"{message.text!r} alone: {found}"


def _with_previous(recognise: Recognise, messages: Iterable[Message]) -> Iterator[tuple[bool, str]]:
    for message in messages:
        found = recognise(message.text, message.language)
        yield found == message.language, f"{message.text!r} after {message.language}: {found}"


def _switched(
    recognise: Recognise, messages: Iterable[Message], served: Sequence[str]
) -> Iterator[tuple[bool, str]]:
    for message in messages:
        for other in served:
            if other != message.language and other not in message.also:
                found = recognise(message.text, other)
                right = found in {message.language, *message.also}
                yield right, f"{message.text!r} after {other}: {found}"


def _share(outcomes: Iterable[tuple[bool, str]], wrong: list[str]) -> float:
    rights = []
    for right, line in outcomes:
        rights.append(right)
        if not right:
            wrong.append(line)
    return 100 * sum(rights) / len(rights)


@dataclass(frozen=True)
class Way:
    """A way of recognising that was tried; `listed` are the languages that have a word list."""

    name: str
    weights: Weights
    listed: tuple[str, ...] | None = None

    def build(self, served: Sequence[str]) -> Recogniser:
        lexicon = Lexicon([code for code in served if self.listed is None or code in self.listed])
        return Recogniser(served, "en", self.weights, lexicon)


CHOSEN = Way("words, lingua, previous", Weights())
WAYS = (
    Way("lingua", Weights(words=0, known_letters=1, unknown_letters=1, previous=0, default=0)),
    Way("lingua, previous", Weights(words=0, known_letters=1, unknown_letters=1)),
    Way("words", Weights(known_letters=0, unknown_letters=0, previous=0, default=0)),
    Way("words, previous", Weights(known_letters=0, unknown_letters=0)),
    CHOSEN,
    Way("chosen, lists of en, fr only", Weights(), ("en", "fr")),
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How often the detector is right.")
    parser.add_argument("--ways", action="store_true", help="compare the ways that were tried")
    parser.add_argument("--wrong", action="store_true", help="list what goes wrong")
    parser.add_argument("--speed", metavar="CODES", help="time to load and answer, such as en,fr")
    options = parser.parse_args(argv)
    if options.speed:
        lines = speed(options.speed.split(","))
    elif options.wrong:
        lines = wrong()
    else:
        lines = table_of_ways() if options.ways else table()
    for line in lines:
        print(line, flush=True)
    return 0


def table() -> Iterator[str]:
    """The figures of the detector, as README.md prints them."""
    yield from _heads("lists")
    for served in SERVED:
        recognise = recognise_with(CHOSEN.build(served))
        for half in HALVES:
            yield _row(recognise, served, half, half)


def table_of_ways() -> Iterator[str]:
    """The figures of all that was tried, over whole lists."""
    yield from _heads("way")
    for served in SERVED:
        for way in WAYS:
            yield _row(recognise_with(way.build(served)), served, "all", way.name)


def wrong() -> Iterator[str]:
    """Every message that is not recognised."""
    for served in SERVED:
        recognise = recognise_with(CHOSEN.build(served))
        for kind in KINDS:
            for line in measure(recognise, served, kind).wrong:
                yield f"{len(served):6}  {kind:10}  {line}"


def speed(served: Sequence[str]) -> Iterator[str]:
    """Seconds and memory of the process's first load, and CPU time of single messages."""
    before = _resident_mebibytes()
    started, started_cpu = time.perf_counter(), time.process_time()
    recogniser = CHOSEN.build(served)
    wall, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    yield f"load       {wall:.2f} s, {cpu:.2f} s of CPU, {_resident_mebibytes() - before:.0f} MiB"
    for kind in KINDS:
        texts = [m.text for language in served for m in read_messages(kind, language)]
        times = sorted(_time(recogniser, text) for text in texts)
        middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
        yield f"{kind:10} p50 {middle * 1e3:.2f} ms, p99 {late * 1e3:.2f} ms"
    text = " ".join(m.text for m in read_messages("sentences", served[-1]))
    yield f"longest    {_time(recogniser, text * 3) * 1e3:.2f} ms for {len(text * 3)} characters"


def _heads(what: str) -> Iterator[str]:
    yield f"{'':37}" + "   ".join(f"{kind:17}" for kind in KINDS).rstrip()
    yield f"served  {what:29}" + "   ".join(["alone  same switch"] * len(KINDS))


def _row(recognise: Recognise, served: Sequence[str], half: str, name: str) -> str:
    cells = []
    for kind in KINDS:
        found = measure(recognise, served, kind, half)
        cells.append(f"{found.alone:5.1f} {found.previous:5.1f} {found.switch:6.1f}")
    return f"{len(served):6}  {name:29}" + "   ".join(cells)


def _time(recogniser: Recogniser, text: str) -> float:
    """CPU seconds of one message, so that other work on the machine does not count."""
    started = time.thread_time()
    recogniser.recognise(text)
    return time.thread_time() - started


def _resident_mebibytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    sys.exit(main())
