"""What is wanted of Parley beside the others, and what a run found: ratios within that run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.benchmarks.plan import FRENCH, GRAPH, GROWTH, MODELS, TURNS
from tests.benchmarks.results import Measured, Results, pooled

RAYS = ("ray", "ray-on-loop")
_PEERS = ("bentoml", "litserve", "argos")
_RAY_STUBS = ("ray-stubs", "ray-stubs-tuned")


@dataclass(frozen=True)
class Goal:
    """what: is compared.  wanted, stretch: bounds of `found`, below which it should be or above.

    others, ours, engines: figures as they are shown.  unit: of `found`, empty for a ratio.
    """

    what: str
    found: float | None
    wanted: float
    below: bool
    stretch: float | None = None
    others: str = ""
    ours: str = ""
    engines: str = ""
    unit: str = ""

    @property
    def verdict(self) -> str:
        if self.found is None:
            return "not measured"
        if self.stretch is not None and self._reaches(self.stretch):
            return "met, stretch too"
        return "met" if self._reaches(self.wanted) else "missed"

    def _reaches(self, bound: float) -> bool:
        assert self.found is not None
        return self.found <= bound if self.below else self.found >= bound


class Table:
    """The rows of a run, the turns of each as one."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.rows = pooled(results.rows)

    def find(
        self, part: str, system: str, clients: int, search: str = "", language: str = FRENCH
    ) -> Measured | None:
        wanted = (part, system, search, language, clients)
        for each in self.rows:
            row = each.row
            if (row.part, row.system, row.search, row.language, row.clients) == wanted:
                return each if each.answers else None
        return None

    def clients(self, part: str) -> list[int]:
        return sorted({each.row.clients for each in self.rows if each.row.part == part})

    def best(
        self,
        part: str,
        systems: Iterable[str],
        clients: int,
        figure: Callable[[Measured], float],
        search: str = "",
    ) -> float | None:
        """Of several systems, the greatest."""
        found = [self.find(part, system, clients, search) for system in systems]
        return max((figure(each) for each in found if each), default=None)


def goals(results: Results) -> list[Goal]:
    table = Table(results)
    return [
        *_alone(table),
        *_under_load(table),
        *_memory(table),
        *_served(table),
        *_peers(table),
        *_graph(table),
        *_growth(table),
    ]


def _alone(table: Table) -> Iterator[Goal]:
    for search, wanted, stretch in (("beams", 1 / 5, 1 / 8), ("greedy", 1 / 4, 1 / 7)):
        ray = table.best(TURNS, RAYS, 1, lambda each: -each.quantile(0.5), search)
        ours = table.find(TURNS, "parley", 1, search)
        engines = table.find(TURNS, "engines", 1, search)
        yield Goal(
            f"French turn alone, {search}, p50",
            ours.quantile(0.5) / -ray if ours and ray else None,
            wanted,
            below=True,
            stretch=stretch,
            others=_seconds(-ray) if ray else "",
            ours=_seconds(ours.quantile(0.5)) if ours else "",
            engines=_seconds(engines.quantile(0.5)) if engines else "",
        )


def _under_load(table: Table) -> Iterator[Goal]:
    wanted = (
        ("beams", 8, 10.0, 12.0),
        ("beams", 32, 12.0, None),
        ("greedy", 8, 10.0, None),
        ("greedy", 32, 18.0, None),
    )
    for search, clients, bound, stretch in wanted:
        ray = table.best(TURNS, RAYS, clients, rate, search)
        ours = table.find(TURNS, "parley", clients, search)
        engines = table.find(TURNS, "engines", clients, search)
        yield Goal(
            f"turns per second, {clients} clients, {search}",
            ours.rate / ray if ours and ray else None,
            bound,
            below=False,
            stretch=stretch,
            others=f"{ray:.3g}" if ray else "",
            ours=f"{ours.rate:.3g}" if ours else "",
            engines=f"{engines.rate:.3g}" if engines else "",
        )


def _memory(table: Table) -> Iterator[Goal]:
    """Where nothing else runs beside it, so that nothing is shared with others."""
    ray = max((each.memory for each in table.rows if each.row.system in RAYS), default=0)
    own = {
        each.row.clients: each.memory
        for each in table.rows
        if (each.row.part, each.row.system, each.row.search) == (GROWTH, "parley", "beams")
    }
    for clients, when in ((32, "with"), (0, "eight seconds after")):
        ours = own.get(clients, 0)
        yield Goal(
            f"memory of the whole application (PSS) {when} 32 clients with beams",
            ours / ray if ours and ray else None,
            1 / 4,
            below=True,
            others=f"{ray >> 20} MiB" if ray else "",
            ours=f"{ours >> 20} MiB" if ours else "",
        )


def _served(table: Table) -> Iterator[Goal]:
    for search in ("beams", "greedy"):
        for clients in (8, 32):
            ours = table.find(TURNS, "parley", clients, search)
            engines = table.find(TURNS, "engines", clients, search)
            yield Goal(
                f"served beside the engines alone, {clients} clients, {search}",
                ours.rate / engines.rate if ours and engines else None,
                0.95,
                below=False,
                ours=f"{ours.rate:.3g}" if ours else "",
                engines=f"{engines.rate:.3g}" if engines else "",
            )


def _peers(table: Table) -> Iterator[Goal]:
    for clients in table.clients(MODELS):
        peer = table.best(MODELS, _PEERS, clients, rate, "beams")
        ours = table.find(MODELS, "translator", clients, "beams")
        yield Goal(
            f"one translator beside its best peer, {clients} clients",
            ours.rate / peer if ours and peer else None,
            1.0,
            below=False,
            others=f"{peer:.3g}" if peer else "",
            ours=f"{ours.rate:.3g}" if ours else "",
        )


def _graph(table: Table) -> Iterator[Goal]:
    for system, name, most in (
        ("local-stubs", "local", 0.7),
        ("cluster-stubs", "cluster-shaped", 2.5),
    ):
        alone = table.find(GRAPH, system, 1)
        found = 1e3 * alone.quantile(0.5) if alone else None
        shown = f"{found:.2f} ms" if found else ""
        yield Goal(f"four hops, {name}, p50", found, most, below=True, ours=shown, unit="ms")
    for clients in table.clients(GRAPH):
        ray = table.best(GRAPH, _RAY_STUBS, clients, rate)
        slower = [table.find(GRAPH, system, clients) for system in ("local-stubs", "cluster-stubs")]
        ours = min((each.rate for each in slower if each), default=None)
        yield Goal(
            f"four hops, the slower of both beside Ray's better, {clients} clients",
            ours / ray if ours and ray else None,
            1.0,
            below=False,
            others=f"{ray:.0f}" if ray else "",
            ours=f"{ours:.0f}" if ours else "",
        )


def _growth(table: Table) -> Iterator[Goal]:
    results = table.results
    starts = [start.seconds for start in results.starts if start.system == "parley"]
    first = min(starts, default=None)
    shown = _seconds(first) if first else ""
    yield Goal("start to ready, weights converted", first, 5.0, below=True, ours=shown, unit="s")
    loads = [each.seconds for each in results.limits.loads] if results.limits else []
    slowest = max(loads, default=None)
    shown = _seconds(slowest) if slowest else ""
    yield Goal("load of the slowest model", slowest, 1.0, below=True, ours=shown, unit="s")
    saturated = table.find(TURNS, "parley", 64, "greedy")
    beyond = [table.find(GROWTH, "parley", clients, "greedy") for clients in (128, 256)]
    rates = [each.rate for each in beyond if each]
    yield Goal(
        "throughput past saturation: 128 and 256 clients beside 64",
        min(rates) / saturated.rate if rates and saturated else None,
        0.95,
        below=False,
        ours=" and ".join(f"{each:.3g}" for each in rates),
    )


def rate(each: Measured) -> float:
    return each.rate


def _seconds(value: float) -> str:
    return f"{value:.3g} s"
