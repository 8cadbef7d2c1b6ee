"""What is measured, in which order and for how long, so that a whole run ends within its time.

Systems that are compared take turns: those that cost nothing while they wait run side by side and
are asked one after the other, before Ray and once more after it, the other way round. A machine
that becomes slower meanwhile then slows all of them down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FRENCH, ENGLISH = "fr", "en"
TURNS, MODELS, GRAPH, LIMITS, GROWTH = PARTS = ("turns", "models", "graph", "limits", "growth")
CLIENTS = (1, 8, 32, 64)
WHOLE_SECONDS = 40 * 60.0
# What the limits take, by the size of the weights.
LIMITS_SECONDS = {"full": 120.0, "tiny": 40.0}
# What a row takes beside its own seconds: the requests before it, and until all is quiet.
_BESIDE = 2.0
_BESIDE_RAY = 9.0
# Seconds that systems need until they are ready; for all others 6.
_STARTS = {"ray": 45.0, "ray-on-loop": 45.0, "ray-stubs": 15.0, "ray-stubs-tuned": 15.0}
_STARTS |= {"transformers": 15.0, "bentoml": 15.0, "litserve": 15.0}


@dataclass(frozen=True)
class Row:
    """Clients that ask one system for some seconds, each as soon as it is answered.

    system: its key in `contenders`, for Parley with `@FOLDER` of another working tree after it.
    search: the checkpoints' beams or greedy.  language: of the texts.  turn: which of the times
    that the same is asked.
    """

    part: str
    system: str
    search: str
    language: str
    clients: int
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


# Seconds of a row, by clients: of systems that answer fast, and of the others.
_FAST: Mapping[str, Mapping[int, float]] = {
    "beams": {1: 8, 8: 12, 32: 26, 64: 40},
    "greedy": {1: 5, 8: 8, 32: 12, 64: 16},
}
_SLOW: Mapping[str, Mapping[int, float]] = {
    "beams": {1: 24, 8: 50, 32: 50, 64: 40},
    "greedy": {1: 13, 8: 30, 32: 30, 64: 25},
}
_RAYS = ("ray", "ray-on-loop")
_ONE_MODEL = ("translator", "bentoml", "litserve", "argos")
_STUBS = ("local-stubs", "cluster-stubs", "ray-stubs", "ray-stubs-tuned")
_PREDICTORS = ("detector", "translator", "chat")


def plan(wanted: Wanted) -> list[Block]:
    """Everything but the limits, which are measured without a system."""
    makers = {TURNS: _turns, MODELS: _models, GRAPH: _graph, GROWTH: _growth}
    blocks = [block for part in wanted.parts if part in makers for block in makers[part](wanted)]
    return [block for block in blocks if block.rows or block.starts]


def seconds_of(blocks: Iterable[Block]) -> float:
    """How long all of it takes, at most."""
    return sum(map(_block_seconds, blocks))


def kind_of(system: str) -> str:
    return system.partition("@")[0]


def _block_seconds(block: Block) -> float:
    starts = (*block.systems, *block.starts)
    return sum(_STARTS.get(kind_of(system), 6.0) for system, _ in starts) + sum(
        row.seconds + (_BESIDE_RAY if "ray" in row.system else _BESIDE) for row in block.rows
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
        # Once is enough for 64: that takes long.
        most = 64 if turn == 1 and language == FRENCH else 32
        for clients in (c for c in wanted.clients if c <= most):
            for system in systems if turn % 2 else systems[::-1]:
                key = system
                if language == ENGLISH:
                    key = system.replace("engines", "engines-english", 1)
                yield _row(wanted, TURNS, key, search, language, clients, _FAST, turn)
    if turn == 1 and wanted.has("transformers") and 1 in wanted.clients:
        yield _row(wanted, TURNS, "transformers", search, wanted.languages[0], 1, _SLOW)


def _of_ray(wanted: Wanted, search: str, ray: str) -> Iterable[Row]:
    # Without its threads it is measured where it differs.
    most = 64 if ray == "ray" else 8
    for clients in (c for c in wanted.clients if c <= most):
        yield _row(wanted, TURNS, ray, search, wanted.languages[0], clients, _SLOW)
    if ray == "ray" and ENGLISH in wanted.languages:
        for clients in (c for c in wanted.clients if c <= 8):
            yield _row(wanted, TURNS, ray, search, ENGLISH, clients, _SLOW)


def _models(wanted: Wanted) -> Iterable[Block]:
    for system in filter(wanted.has, _ONE_MODEL):
        table = _ONE_FAST if system in ("translator", "argos") else _ONE_SLOW
        rows = (_row(wanted, MODELS, system, "beams", FRENCH, c, table) for c in wanted.clients)
        yield Block(tuple(rows))


_ONE_FAST = {"beams": {1: 6.0, 8: 8.0, 32: 10.0, 64: 12.0}}
_ONE_SLOW = {"beams": {1: 8.0, 8: 15.0, 32: 20.0, 64: 25.0}}
_STUB = {"": {1: 3.0, 8: 3.0, 32: 3.0, 64: 3.0}}


def _graph(wanted: Wanted) -> Iterable[Block]:
    for system in filter(wanted.has, _STUBS):
        rows = (_row(wanted, GRAPH, system, "", FRENCH, c, _STUB) for c in wanted.clients)
        yield Block(tuple(rows))


# Of Parley alone: its memory after many beams, and what more clients than it needs make of it.
_GROWTH = {"beams": {32: 26.0}, "greedy": {128: 16.0, 256: 16.0}}


def _growth(wanted: Wanted) -> Iterable[Block]:
    yield Block(starts=tuple((s, "beams") for s in _PREDICTORS if wanted.has(s)))
    for search in wanted.searches if wanted.has("parley") else ():
        rows = (
            _row(wanted, GROWTH, "parley", search, FRENCH, clients, _GROWTH)
            for clients in _GROWTH[search]
        )
        yield Block(tuple(rows))


def _row(
    wanted: Wanted,
    part: str,
    system: str,
    search: str,
    language: str,
    clients: int,
    seconds: Mapping[str, Mapping[int, float]],
    turn: int = 1,
) -> Row:
    """seconds: by search and clients; between two numbers of clients, those of the next."""
    planned = seconds[search]
    asked = next((planned[c] for c in sorted(planned) if c >= clients), max(planned.values()))
    return Row(part, system, search, language, clients, wanted.seconds or asked, turn=turn)
