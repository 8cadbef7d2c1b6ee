"""How often the detector is right on the lists in data/.

Run it as `python -m tests.predictors.detector.measure`; `--help` names what else it prints.

A list line is a message, and after a tab the other languages in which one writes just the same.
Odd lines were there to develop on, even lines were held out. Every figure is a percentage:

- alone: no previous language; a language of the message's own list or of its tab is right.
- previous: the previous language is the list's; only that one is right.
- switch: the previous language is each of the others in turn; only the list's is right. For short
  messages, others in which one writes just the same are left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    return lambda text, previous: recogniser.recognise(text, previous).language


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
                yield found == message.language, f"{message.text!r} after {other}: {found}"


def _share(outcomes: Iterable[tuple[bool, str]], wrong: list[str]) -> float:
    rights = []
    for right, line in outcomes:
        rights.append(right)
        if not right:
            wrong.append(line)
    return 100 * sum(rights) / len(rights)


WAYS = {
    "lingua alone": Weights(words=0, known_letters=1, unknown_letters=1, previous=0, default=0),
    "words alone": Weights(known_letters=0, unknown_letters=0, previous=0, default=0),
    "lingua and prior": Weights(words=0, known_letters=1, unknown_letters=1),
    "words and prior": Weights(known_letters=0, unknown_letters=0),
    "words, lingua, prior": Weights(),
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--ways", action="store_true", help="compare what was tried")
    parser.add_argument("--wrong", action="store_true", help="list what goes wrong")
    parser.add_argument("--speed", action="store_true", help="seconds to load, per message")
    options = parser.parse_args(argv)
    print("served  half          kind        alone  previous  switch  way")
    ways = WAYS if options.ways else {"words, lingua, prior": Weights()}
    for served in SERVED:
        for way, weights in ways.items():
            started = time.perf_counter()
            recogniser = Recogniser(served, "en", weights)
            loaded = time.perf_counter() - started
            _print_figures(recogniser, way, options.wrong)
        if options.speed:
            _print_speed(recogniser, loaded)
    return 0


def _print_figures(recogniser: Recogniser, way: str, list_wrong: bool) -> None:
    served = recogniser.languages
    for half in HALVES:
        for kind in KINDS:
            found = measure(recognise_with(recogniser), served, kind, half)
            figures = f"{found.alone:5.1f} {found.previous:9.1f} {found.switch:7.1f}"
            print(f"{len(served):6}  {half:12}  {kind:10}  {figures}  {way}")
            if list_wrong and half == "all":
                print("".join(f"        {line}\n" for line in found.wrong), end="")


def _print_speed(recogniser: Recogniser, loaded: float) -> None:
    print(f"{len(recogniser.languages):6}  loaded in {loaded:.2f} s")
    for kind in KINDS:
        texts = [m.text for language in recogniser.languages for m in read_messages(kind, language)]
        seconds = sorted(_time(recogniser, text) for text in texts)
        middle, late = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
        print(f"        {kind}: p50 {middle * 1e3:.2f} ms, p99 {late * 1e3:.2f} ms")


def _time(recogniser: Recogniser, text: str) -> float:
    started = time.perf_counter()
    recogniser.recognise(text)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
