"""What a run keeps of its answers, and reads again."""

from __future__ import annotations

import random
from pathlib import Path

from tests.benchmarks.jobs import Load
from tests.benchmarks.load import percentile
from tests.benchmarks.plan import TURNS, Row
from tests.benchmarks.results import (
    FILE,
    Measured,
    Results,
    measured,
    pooled,
    read,
    spread,
    write,
)

ROW = Row(TURNS, "parley", "beams", "fr", 8, 1.0, 12.0)


def test_what_is_written_is_read_again(tmp_path: Path):
    results = some_results([found(ROW, [0.5, 0.25]), found(ROW, [], error="refused")])
    write(results, tmp_path / FILE)
    assert read(tmp_path / FILE) == results


def test_a_run_that_goes_on_knows_its_rows():
    results = some_results([found(ROW, [0.5])])
    assert results.has(ROW)
    assert not results.has(Row(TURNS, "parley", "beams", "fr", 8, 1.0, 12.0, turn=2))


def test_the_kept_answers_have_the_percentiles_of_all():
    dice = random.Random(4)
    seconds = [dice.lognormvariate(0, 1) for _ in range(25_000)]
    kept = spread(seconds)
    assert len(kept) < 1000
    for part in (0.5, 0.9, 0.99):
        assert abs(percentile(kept, part) / percentile(seconds, part) - 1) < 0.02


def test_few_answers_are_all_kept():
    assert spread([0.3, 0.1, 0.2]) == [0.1, 0.2, 0.3]


def test_turns_of_a_row_are_one_row_of_all_their_answers():
    second = Row(TURNS, "parley", "beams", "fr", 8, 1.0, 12.0, turn=2)
    first, other = found(ROW, [1.0, 2.0], wall=2.0), found(second, [3.0], wall=4.0, others=0.2)
    [both] = pooled([first, other])
    assert both.answers == 3
    assert both.rate == 3 / 6.0
    assert both.quantile(0.5) == 2.0
    assert both.is_disturbed


def test_rows_of_other_clients_are_not_pooled():
    more = Row(TURNS, "parley", "beams", "fr", 32, 1.0, 12.0)
    assert len(pooled([found(ROW, [1.0]), found(more, [1.0])])) == 2


def found(
    row: Row, seconds: list[float], wall: float = 1.0, others: float = 0.0, error: str = ""
) -> Measured:
    load = Load(
        seconds=seconds, wall=wall, window=wall, others=others, error=error, cpu=1.0, memory=1 << 30
    )
    return measured(row, load, "2026-01-01T00:00:00+00:00")


def some_results(rows: list[Measured]) -> Results:
    known = {"cores": "2"}
    return Results("2026-01-01T00:00+00:00", "tiny", known, {"ray": "2.60.0"}, {"t5": 1.0}, rows)
