"""The gateway beside KServe's way through the same graph: what streaming gains, and what it costs.

    python -m tests.benchmarks.gateway [--models] [--streams 500] [--json]

What the gateway itself costs is asked with models that only take their time, behind a gateway and
behind a router, each a process of its own. `--models` also asks the embedded models, in one `parley
serve`, how soon their words come. Every figure is compared with another one of the same run, and
costs are seconds of processors. The exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from graph.local.build import DEFAULT_FILE
from graph.text.splitting import Splitter
from tests.benchmarks.gateway_clients import (
    Ask,
    before,
    leave,
    posted,
    routed,
    running,
    streamed,
)
from tests.benchmarks.gateway_stubs import ASKED
from tests.benchmarks.load import open_client
from tests.benchmarks.service import Service, serving

# The goals are for answers of so many sentences or more.
LONG = 4
MESSAGES = (
    "Donne-moi cinq conseils pour bien dormir.",
    "Comment puis-je apprendre une langue étrangère ?",
    "Quels sont les avantages du vélo en ville ?",
    "Pourquoi faut-il protéger les abeilles ?",
    "Raconte-moi l'histoire de la révolution française.",
    "Comment préparer un voyage à la montagne ?",
)
# The shipped graph asks its chat for brief answers.
_BRIEF, _LONG = "--example_turns=built-in", "--system_prompt=You answer in many sentences."
_CLIENTS = 3
_LEAVING = 3
# Below so much of a processor a process is idle.
_SAMPLE_SECONDS, _IDLE = 0.1, 0.2
# Of one sentence, each way, in each of the rounds.
_COSTED, _ROUNDS = 100, 4
_AT_ONCE = ("--pause=0", "--translation=0")


@dataclass(frozen=True)
class Goal:
    """found and most: in one unit, which the words name; found is None where nothing was."""

    words: str
    found: float | None
    most: float

    @property
    def is_reached(self) -> bool:
        return self.found is not None and self.found <= self.most


async def first_words(service: Service) -> list[Goal]:
    """How soon words come, and how soon all of them. The two ways take turns."""
    split = Splitter("en").split
    firsts, later, different = [], [], 0
    async with open_client() as client:
        for ask in (streamed, posted):
            await ask(client, service, "Bonjour !")
        for message in MESSAGES:
            stream = await streamed(client, service, message)
            post = await posted(client, service, message)
            different += stream.text != post.text
            if sum(piece.translate for piece in split(stream.parley["response_en"])) >= LONG:
                firsts.append(stream.first / stream.whole)
                later.append(stream.whole / post.whole)
    told = f"of {len(firsts)} answers of {LONG} sentences or more"
    return [
        Goal(f"first words {told}, as a part of the time of all", _median(firsts), 1 / 3),
        Goal(f"all words {told}, as a part of the time unstreamed", _median(later), 1.1),
        Goal("answers in other words than the router's", different, 0),
    ]


async def throughput(service: Service) -> list[Goal]:
    """The same turns by several clients, streamed and unstreamed, one way after the other."""
    took = []
    async with open_client() as client:
        for ask in (streamed, posted):
            began = time.monotonic()
            texts = iter([f"{message} Merci." for message in MESSAGES])
            await asyncio.gather(*(_ask_all(ask, client, service, texts) for _ in range(_CLIENTS)))
            took.append(time.monotonic() - began)
    words = f"time of {len(MESSAGES)} turns of {_CLIENTS} clients, as a part of that unstreamed"
    return [Goal(words, took[0] / took[1], 1 / 0.95)]


async def _ask_all(
    ask: Ask, client: httpx2.AsyncClient, service: Service, texts: Iterator[str]
) -> None:
    for text in texts:
        await ask(client, service, text)


async def leaving(service: Service) -> list[Goal]:
    """How long the models still work for a client that left at the first words."""
    waits = []
    async with open_client() as client:
        for message in MESSAGES[:_LEAVING]:
            await leave(client, service, message)
            left = time.monotonic()
            waits.append(await _idle_since(service) - left)
    words = f"seconds that models work on for a client that left, the most of {len(waits)}"
    return [Goal(words, max(waits), 1.0)]


async def _idle_since(service: Service) -> float:
    """The time since when a process does nothing, which is looked for until then."""
    while True:
        since, used = time.monotonic(), service.cpu_seconds
        await asyncio.sleep(_SAMPLE_SECONDS)
        if service.cpu_seconds - used < _IDLE * _SAMPLE_SECONDS:
            return since


async def added_cost(stubs: Service) -> list[Goal]:
    """Seconds of processors for a turn of one sentence, at the gateway and at a router."""
    with before(stubs) as gateway, routed(stubs) as router:
        asked: dict[str, tuple[Ask, Service]] = {
            "gateway": (streamed, gateway),
            "router": (posted, router),
        }
        spent: dict[str, list[float]] = {name: [] for name in asked}
        async with open_client() as client:
            for _ in range(_ROUNDS):
                for name, (ask, service) in asked.items():
                    used = service.cpu_seconds
                    for number in range(_COSTED):
                        await ask(client, service, f"Bonjour, ça va ? ({1000 + number})")
                    spent[name].append((service.cpu_seconds - used) / _COSTED)
    # The first round warms up.
    gateway_ms, router_ms = (1000 * statistics.median(spent[name][1:]) for name in asked)
    words = f"ms a turn that a gateway ({gateway_ms:.2f}) takes over a router ({router_ms:.2f})"
    return [Goal(words, gateway_ms - router_ms, 2.0)]


async def many_streams(stubs: Service, streams: int) -> list[Goal]:
    """All open at once, three times; the memory of the gateway after the last and the first."""
    memory, ends = [], []
    with before(stubs, f"--max_inflight={streams}") as gateway:
        for round in range(3):
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
            async with httpx2.AsyncClient(limits=limits, timeout=300, trust_env=False) as client:
                said = [f"Bonjour, ça va ? ({round}, {1000 + i})" for i in range(streams)]
                found = await asyncio.gather(
                    *(streamed(client, gateway, text) for text in said), return_exceptions=True
                )
            ends.append(sum(isinstance(each, BaseException) for each in found))
            memory.append(gateway.resident_bytes)
    grown = memory[-1] / memory[0]
    return [
        Goal(f"of {streams} streams at once, those that failed", max(ends), 0),
        Goal(f"memory after three rounds of {streams} streams, as a part of one", grown, 1.05),
    ]


async def remembered(stubs: Service, turns: int = 10) -> list[Goal]:
    """A conversation with a memory and without: what is translated again, and what that takes."""
    again, seconds = [], []
    for options in ((), ("--history_bytes=0",)):
        with before(stubs, *options) as gateway:
            async with open_client() as client:
                asked = await _asked(client, stubs)
                said: list[str] = []
                for number in range(turns):
                    message = f"Bonjour, c'est le message numéro {number}."
                    answer = await streamed(client, gateway, *said, message)
                    said += [message, answer.text]
                again.append(await _asked(client, stubs) - asked - turns)
                seconds.append(answer.first)
    earlier = turns * (turns - 1)
    return [
        Goal(f"of {earlier} earlier messages of {turns} turns, those not remembered", again[0], 0),
        Goal(
            f"seconds until the first words of turn {turns}, as a part of those without a memory, "
            f"where {again[1]} messages were translated again",
            seconds[0] / seconds[1],
            1.0,
        ),
    ]


async def _asked(client: httpx2.AsyncClient, stubs: Service) -> int:
    return int((await client.get(stubs.url + ASKED)).json())


@contextmanager
def with_models(tokens: int) -> Iterator[Service]:
    """`parley serve --gateway` with the embedded models, whose answers are long."""
    text = DEFAULT_FILE.read_text()
    assert "--max_tokens=" in text and _BRIEF in text
    text = text.replace(_BRIEF, f'"{_LONG}"')
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "embedded.yaml"
        file.write_text(re.sub("--max_tokens=\\d+", f"--max_tokens={tokens}", text))
        with serving("--gateway", str(file)) as service:
            yield service


async def measure(options: argparse.Namespace) -> list[Goal]:
    goals: list[Goal] = []
    with running("tests.benchmarks.gateway_stubs", "--sentences=1", *_AT_ONCE) as quick:
        goals += await added_cost(quick)
    with running("tests.benchmarks.gateway_stubs", "--pause=0.01", "--translation=0.02") as some:
        goals += await remembered(some)
    with running("tests.benchmarks.gateway_stubs", "--pause=0.3") as slow:
        goals += await many_streams(slow, options.streams)
    if options.models:
        with with_models(options.tokens) as service:
            goals += await first_words(service)
            goals += await throughput(service)
            goals += await leaving(service)
    return goals


def report(goals: Sequence[Goal]) -> str:
    lines = (
        f"{'    ' if goal.is_reached else 'NOT '}"
        f"{'nothing' if goal.found is None else f'{goal.found:.3f}'}, at most {goal.most:.3f}: "
        f"{goal.words}"
        for goal in goals
    )
    return "\n".join(lines)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.gateway", description=__doc__)
    parser.add_argument("--streams", type=int, default=500, help="streams that are open at once")
    parser.add_argument("--models", action="store_true", help="ask the embedded models too")
    parser.add_argument("--tokens", type=int, default=160, help="of an answer of those at most")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    goals = asyncio.run(measure(options))
    print(json.dumps([asdict(goal) for goal in goals]) if options.json else report(goals))
    return 0 if all(goal.is_reached for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
