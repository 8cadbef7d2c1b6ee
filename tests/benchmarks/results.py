"""What a run found, as one JSON file that is written anew after every row."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.benchmarks.gateway import Goal
from tests.benchmarks.jobs import Load, Started
from tests.benchmarks.load import percentile
from tests.benchmarks.plan import Row
from tests.benchmarks.reached import Limits, Spent, limits_of

# Answers of which the seconds are kept; of more, as many that are evenly spread over their order.
_KEPT = 401
# Of the machine, taken by others while a row was measured: more, and the row is marked.
DISTURBED = 0.05
FILE = "results.json"
_PLACE = "rows stand here"


@dataclass(frozen=True)
class Measured:
    """A row and what came of it. answers: how many.  latencies: their seconds, ascending.

    wall: seconds in which they came.  window: seconds of the row that counted.  cut: requests given
    up at its end.  refused: those told to come again.  cpu: seconds of processors in the window.
    memory: bytes (PSS) at the end.  others: what others took of the machine meanwhile (0..1).
    at: the time of day of the end.
    """

    row: Row
    answers: int
    latencies: Sequence[float]
    wall: float
    window: float = 0.0
    cut: int = 0
    refused: int = 0
    failed: int = 0
    error: str = ""
    cpu: float = 0.0
    memory: int = 0
    others: float = 0.0
    at: str = ""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.wall if self.wall else 0.0

    def quantile(self, part: float) -> float:
        """Seconds; not a number where nothing was answered."""
        return percentile(self.latencies, part)

    @property
    def is_disturbed(self) -> bool:
        return self.others > DISTURBED


@dataclass(frozen=True)
class Start:
    """A system that was started. seconds: until it was ready.  memory: bytes then (PSS)."""

    system: str
    search: str
    seconds: float
    memory: int


@dataclass
class Results:
    """machine, versions: by name.  failures: why a system has no rows, by its key.

    limits: what the machine can do and the engines reach of it.  profile: where their time goes;
    no_profile: why that is not known.  gateway: what streaming gains and costs.
    """

    date: str
    size: str
    machine: dict[str, str]
    versions: dict[str, str]
    parity: dict[str, float]
    rows: list[Measured] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    limits: Limits | None = None
    profile: list[Spent] = field(default_factory=list)
    no_profile: str = ""
    gateway: list[Goal] = field(default_factory=list)
    seconds: float = 0.0

    def has(self, row: Row) -> bool:
        return any(measured.row == row for measured in self.rows)


def measured(row: Row, load: Load, at: str) -> Measured:
    return Measured(
        row=row,
        answers=len(load.seconds),
        latencies=spread(load.seconds),
        wall=round(load.wall, 4),
        window=round(load.window, 4),
        cut=len(load.cut),
        refused=load.refused,
        failed=load.failed,
        error=load.error,
        cpu=round(load.cpu, 2),
        memory=load.memory,
        others=round(load.others, 4),
        at=at,
    )


def spread(seconds: Sequence[float]) -> list[float]:
    """In ascending order, and of many some that have the same percentiles."""
    ordered = sorted(seconds)
    if len(ordered) > _KEPT:
        step = (len(ordered) - 1) / (_KEPT - 1)
        ordered = [ordered[round(i * step)] for i in range(_KEPT)]
    return [round(each, 5) for each in ordered]


def start_of(system: str, search: str, started: Started) -> Start:
    return Start(system, search, round(started.seconds, 2), started.memory)


def pooled(found: Iterable[Measured]) -> list[Measured]:
    """The turns of each row as one: of all their answers, and the worst of what others took."""
    groups: dict[tuple[Any, ...], list[Measured]] = {}
    for each in found:
        row = each.row
        key = (row.part, row.system, row.search, row.language, row.clients)
        groups.setdefault(key, []).append(each)
    return [_pool(group) for group in groups.values()]


def _pool(group: Sequence[Measured]) -> Measured:
    first = group[0]
    return Measured(
        row=first.row,
        answers=sum(each.answers for each in group),
        latencies=sorted(second for each in group for second in each.latencies),
        wall=sum(each.wall for each in group),
        window=sum(each.window for each in group),
        cut=sum(each.cut for each in group),
        refused=sum(each.refused for each in group),
        failed=sum(each.failed for each in group),
        error=next((each.error for each in group if each.error), ""),
        cpu=sum(each.cpu for each in group),
        memory=max(each.memory for each in group),
        others=max(each.others for each in group),
        at=first.at,
    )


def write(results: Results, path: Path) -> None:
    """Whole or not at all, so that a run that is stopped leaves what it had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(_text(results))
    os.replace(partial, path)


def _text(results: Results) -> str:
    """JSON in which every row has a line of its own."""
    values = asdict(results)
    lines = ",\n".join(f"  {json.dumps(_line(each))}" for each in results.rows)
    rows = f"[\n{lines}\n ]" if lines else "[]"
    shown = json.dumps({**values, "rows": _PLACE}, indent=1)
    return shown.replace(json.dumps(_PLACE), rows, 1) + "\n"


def _line(each: Measured) -> dict[str, Any]:
    """With the figures that somebody who reads the file would work out."""
    figures = {"rate": each.rate, "p50": each.quantile(0.5), "p99": each.quantile(0.99)}
    known = {name: round(value, 5) for name, value in figures.items() if value == value}
    values = asdict(each)
    return {**values.pop("row"), **known, **values}


def read(path: Path) -> Results:
    values = json.loads(path.read_text())
    values["rows"] = [_measured_of(each) for each in values["rows"]]
    values["starts"] = [Start(**each) for each in values["starts"]]
    values["profile"] = [Spent(**each) for each in values["profile"]]
    values["gateway"] = [Goal(**each) for each in values["gateway"]]
    if values["limits"]:
        values["limits"] = limits_of(values["limits"])
    return Results(**values)


def _measured_of(values: Mapping[str, Any]) -> Measured:
    row = Row(**{field.name: values[field.name] for field in fields(Row)})
    own = {field.name: values[field.name] for field in fields(Measured) if field.name != "row"}
    return Measured(row=row, **own)
