"""What is measured, in which order and for how long, so that a whole run ends within its time.

Systems that are compared take turns: those that cost nothing while they wait run side by side and
are asked one after the other, before Ray and once more after it, the other way round. A machine
that becomes slower meanwhile then slows all of them down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.benchmarks import durations
from tests.benchmarks.durations import (
    ENGINES,
    ONE_MODEL_FAST,
    ONE_MODEL_SLOW,
    PARLEY,
    RAY,
    RAY_ENGLISH,
    STUBS,
    TRANSFORMERS,
    Table,
    beside_seconds,
    duration,
    start_seconds,
)

FRENCH, ENGLISH = "fr", "en"
TURNS, MODELS, GRAPH, LIMITS, GROWTH, GATEWAY = PARTS = (
    *("turns", "models", "graph", "limits", "growth", "gateway"),
)  # fmt: skip
CLIENTS = (1, 8, 32, 64)


@dataclass(frozen=True)
class Row:
    """Clients that ask one system for some seconds, each as soon as it is answered.

    system: its key in `contenders`, for Parley with `@FOLDER` of another working tree after it.
    search: the checkpoints' beams or greedy.  language: of the texts.  ramp, seconds: see
    `durations`.  turn: which of the times that the same is asked.
    """

    part: str
    system: str
    search: str
    language: str
    clients: int
    ramp: float
    seconds: float
    turn: int = 1


@dataclass(frozen=True)
class Block:
    """Systems that are there at the same time, of which one works, and what is asked of them.

    starts: systems of which only the start counts, one after the other.
    """

    rows: tuple[Row, ...] = ()
    starts: tuple[tuple[str, str], ...] = ()

    @property
    def systems(self) -> list[tuple[str, str]]:
        """Keys and searches, each once."""
        return list(dict.fromkeys((row.system, row.search) for row in self.rows))


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for; empty is everything. seconds: of every row, 0 as planned."""

    parts: Sequence[str] = PARTS
    systems: Sequence[str] = ()
    searches: Sequence[str] = ("beams", "greedy")
    clients: Sequence[int] = CLIENTS
    seconds: float = 0.0
    turns: int = 2
    languages: Sequence[str] = (FRENCH, ENGLISH)

    def has(self, system: str) -> bool:
        return not self.systems or system in self.systems

    def of_kinds(self, *kinds: str) -> list[str]:
        """The systems of these kinds, of every tree that is named."""
        return [system for system in self.systems or kinds if kind_of(system) in kinds]


_RAYS = ("ray", "ray-on-loop")
_ONE_MODEL = ("translator", "bentoml", "litserve", "argos")
_STUBS = ("local-stubs", "cluster-stubs", "ray-stubs", "ray-stubs-tuned")
_PREDICTORS = ("detector", "translator", "chat")


def plan(wanted: Wanted) -> list[Block]:
    """Everything but the limits and the gateway, which have programs of their own."""
    makers = {TURNS: _turns, MODELS: _models, GRAPH: _graph, GROWTH: _growth}
    blocks = [block for part in wanted.parts if part in makers for block in makers[part](wanted)]
    return [block for block in blocks if block.rows or block.starts]


def seconds_of(blocks: Iterable[Block]) -> float:
    """How long all of it takes, at most."""
    return sum(map(_block_seconds, blocks))


def kind_of(system: str) -> str:
    return system.partition("@")[0]


def _block_seconds(block: Block) -> float:
    starts = sum(start_seconds(kind_of(key)) for key, _ in (*block.systems, *block.starts))
    return starts + sum(
        row.ramp + row.seconds + beside_seconds(kind_of(row.system)) for row in block.rows
    )


def _turns(wanted: Wanted) -> Iterable[Block]:
    for search in wanted.searches:
        yield Block(tuple(_waiting(wanted, search, 1)))
        for ray in filter(wanted.has, _RAYS):
            yield Block(tuple(_of_ray(wanted, search, ray)))
        for turn in range(2, wanted.turns + 1):
            yield Block(tuple(_waiting(wanted, search, turn)))


def _waiting(wanted: Wanted, search: str, turn: int) -> Iterable[Row]:
    """Of Parley, its engines and transformers, which cost nothing while they wait."""
    systems = wanted.of_kinds("parley", "engines")
    for language in wanted.languages if turn == 1 else wanted.languages[:1]:
        # Once is enough for what takes long.
        most = 64 if turn == 1 and language == FRENCH else 8
        for clients in (c for c in wanted.clients if c <= most):
            for system in systems if turn % 2 else systems[::-1]:
                yield _of_waiting(wanted, system, search, language, clients, turn)
    if turn == 1 and wanted.has("transformers") and 1 in wanted.clients:
        yield _row(wanted, TURNS, "transformers", search, wanted.languages[0], 1, TRANSFORMERS)


def _of_waiting(
    wanted: Wanted, system: str, search: str, language: str, clients: int, turn: int
) -> Row:
    table = PARLEY if kind_of(system) == "parley" else ENGINES
    if language == ENGLISH:
        system = system.replace("engines", "engines-english", 1)
    return _row(wanted, TURNS, system, search, language, clients, table, turn)


def _of_ray(wanted: Wanted, search: str, ray: str) -> Iterable[Row]:
    # Without its threads it is measured where it differs.
    most = 32 if ray == "ray" else 8
    for clients in (c for c in wanted.clients if c <= most):
        yield _row(wanted, TURNS, ray, search, wanted.languages[0], clients, RAY)
    if ray == "ray" and ENGLISH in wanted.languages[1:] and 1 in wanted.clients:
        yield _row(wanted, TURNS, ray, search, ENGLISH, 1, RAY_ENGLISH)


def _models(wanted: Wanted) -> Iterable[Block]:
    for system in filter(wanted.has, _ONE_MODEL):
        table = ONE_MODEL_FAST if system in ("translator", "argos") else ONE_MODEL_SLOW
        rows = (_row(wanted, MODELS, system, "beams", FRENCH, c, table) for c in wanted.clients)
        yield Block(tuple(rows))


def _graph(wanted: Wanted) -> Iterable[Block]:
    for system in filter(wanted.has, _STUBS):
        rows = (_row(wanted, GRAPH, system, "", FRENCH, c, STUBS) for c in wanted.clients)
        yield Block(tuple(rows))


def _growth(wanted: Wanted) -> Iterable[Block]:
    yield Block(starts=tuple((s, "beams") for s in _PREDICTORS if wanted.has(s)))
    for search in wanted.searches if wanted.has("parley") else ():
        rows = (
            _row(wanted, GROWTH, "parley", search, FRENCH, clients, durations.GROWTH)
            for clients in durations.GROWTH[search]
        )
        yield Block(tuple(rows))


def _row(
    wanted: Wanted,
    part: str,
    system: str,
    search: str,
    language: str,
    clients: int,
    table: Table,
    turn: int = 1,
) -> Row:
    asked = duration(table, search, clients, wanted.seconds)
    return Row(part, system, search, language, clients, asked.ramp, asked.seconds, turn)
