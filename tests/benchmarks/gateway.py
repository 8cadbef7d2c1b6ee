"""The gateway beside KServe's way through the same graph: what streaming gains, and what it costs.

    python -m tests.benchmarks.gateway [--turns 20] [--streams 500] [--json]

Models that only take their time stand behind the gateway and behind a router, each a process of its
own; `--models` asks the embedded models instead for how soon words come, in one `parley serve`.
Every figure is compared with another one of the same run, and costs are seconds of processors. The
exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from graph.local.build import DEFAULT_FILE
from graph.text.splitting import Splitter
from tests.benchmarks.gateway_clients import Ask, before, posted, routed, running, streamed
from tests.benchmarks.gateway_stubs import ASKED
from tests.benchmarks.load import open_client
from tests.benchmarks.service import Service, serving

# The goals are for answers of so many sentences or more.
LONG = 4
MESSAGES = (
    "Bonjour, raconte-moi une longue histoire de chat, s'il te plaît.",
    "Explique-moi en détail comment on fait du pain.",
    "Parle-moi longuement de la ville de Paris et de son histoire.",
    "Pourquoi le ciel est-il bleu ? Explique-le-moi en plusieurs phrases.",
)
_AT_ONCE = ("--pause=0", "--translation=0")


@dataclass(frozen=True)
class Goal:
    """found and most: in one unit, which the words name."""

    words: str
    found: float
    most: float

    @property
    def is_reached(self) -> bool:
        return self.found <= self.most


async def first_words(streams: Service, posts: Service, turns: int) -> list[Goal]:
    """How soon words come, and how soon all of them. The two ways take turns."""
    split = Splitter("en").split
    firsts, later, different = [], [], 0
    async with open_client() as client:
        for number in range(turns):
            message = f"{MESSAGES[number % len(MESSAGES)]} ({1000 + number})"
            stream, post = await streamed(client, streams, message), None
            post = await posted(client, posts, message)
            different += stream.text != post.text
            sentences = sum(piece.translate for piece in split(stream.parley["response_en"]))
            if number >= len(MESSAGES) and sentences >= LONG:
                firsts.append(stream.first / stream.whole)
                later.append(stream.whole / post.whole)
    told = f"of {len(firsts)} answers of {LONG} sentences or more"
    return [
        Goal(f"first words {told}, as a part of the time of all", _median(firsts), 1 / 3),
        Goal(f"all words {told}, as a part of the time unstreamed", _median(later), 1.1),
        Goal("answers in other words than the router's", different, 0),
    ]


async def added_cost(stubs: Service, turns: int) -> list[Goal]:
    """Seconds of processors for a turn of one sentence, at the gateway and at a router."""
    with before(stubs) as gateway, routed(stubs) as router:
        asked: dict[str, tuple[Ask, Service]] = {
            "gateway": (streamed, gateway),
            "router": (posted, router),
        }
        spent: dict[str, list[float]] = {name: [] for name in asked}
        async with open_client() as client:
            for _ in range(4):
                for name, (ask, service) in asked.items():
                    used = service.cpu_seconds
                    for number in range(turns):
                        await ask(client, service, f"Bonjour, ça va ? ({1000 + number})")
                    spent[name].append((service.cpu_seconds - used) / turns)
    # The first round warms up.
    gateway_ms, router_ms = (1000 * _median(spent[name][1:]) for name in asked)
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
    """`parley serve --gateway` with the embedded models, whose answers may be long."""
    text = DEFAULT_FILE.read_text()
    assert "--max_tokens=" in text
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "embedded.yaml"
        file.write_text(re.sub("--max_tokens=\\d+", f"--max_tokens={tokens}", text))
        with serving("--gateway", str(file)) as service:
            yield service


async def measure(options: argparse.Namespace) -> list[Goal]:
    goals: list[Goal] = []
    with running("tests.benchmarks.gateway_stubs") as stubs:
        with before(stubs) as gateway, routed(stubs) as router:
            goals += await first_words(gateway, router, options.turns)
    with running("tests.benchmarks.gateway_stubs", "--sentences=1", *_AT_ONCE) as quick:
        goals += await added_cost(quick, 5 * options.turns)
    with running("tests.benchmarks.gateway_stubs", "--pause=0.01", "--translation=0.02") as some:
        goals += await remembered(some)
    with running("tests.benchmarks.gateway_stubs", "--pause=0.3") as slow:
        goals += await many_streams(slow, options.streams)
    if options.models:
        with with_models(options.tokens) as service:
            goals += await first_words(service, service, options.turns)
            goals += await share_of_work(service, options.turns)
    return goals


async def share_of_work(service: Service, turns: int) -> list[Goal]:
    """What a turn costs in all, models included: through the gateway and as the router takes it."""
    used: dict[str, list[float]] = {"gateway": [], "router": []}
    ways: dict[str, Ask] = {"gateway": streamed, "router": posted}
    async with open_client() as client:
        for number in range(turns):
            for name, ask in ways.items():
                started = service.cpu_seconds
                await ask(client, service, f"{MESSAGES[number % len(MESSAGES)]} ({2000 + number})")
                used[name].append(service.cpu_seconds - started)
    more = sum(used["gateway"]) / sum(used["router"]) - 1
    return [Goal(f"more work for {turns} turns with models than by the router", more, 0.05)]


def report(goals: Sequence[Goal]) -> str:
    lines = [
        f"{'    ' if goal.is_reached else 'NOT '}{goal.found:9.3f}  at most {goal.most:.3f}: "
        f"{goal.words}"
        for goal in goals
    ]
    return "\n".join(lines)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.gateway", description=__doc__)
    parser.add_argument("--turns", type=int, default=20, help="turns of each measurement")
    parser.add_argument("--streams", type=int, default=500, help="streams that are open at once")
    parser.add_argument("--models", action="store_true", help="ask the embedded models too")
    parser.add_argument("--tokens", type=int, default=128, help="of an answer of those at most")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    goals = asyncio.run(measure(options))
    print(json.dumps([asdict(goal) for goal in goals]) if options.json else report(goals))
    return 0 if all(goal.is_reached for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
