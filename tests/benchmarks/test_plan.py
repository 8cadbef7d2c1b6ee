"""What a run of the bench measures, in which order, and that it ends in time."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench import wanted_of
from tests.benchmarks.contenders import NAMES
from tests.benchmarks.durations import GATEWAY_SECONDS, LIMITS_SECONDS, WHOLE_SECONDS
from tests.benchmarks.plan import (
    PARTS,
    TURNS,
    Block,
    Wanted,
    plan,
    seconds_of,
)

# What `make bench` may take in CI, where it is run with tiny weights and without the peers.
QUICK_SECONDS = 240.0


def test_a_whole_run_ends_in_its_time():
    others = LIMITS_SECONDS["full"] + GATEWAY_SECONDS["full"]
    assert seconds_of(plan(Wanted())) + others <= WHOLE_SECONDS


def test_a_quick_run_ends_in_its_time():
    blocks = plan(wanted_of(["--quick"]))
    others = LIMITS_SECONDS["tiny"] + GATEWAY_SECONDS["tiny"]
    assert seconds_of(blocks) + others <= QUICK_SECONDS


def test_every_system_is_measured():
    assert {system for block in plan(Wanted()) for system, _ in all_of(block)} == set(NAMES)


def test_parley_and_its_engines_are_asked_before_ray_and_after_it():
    order = [row.system for block in plan(Wanted()) for row in block.rows if row.part == TURNS]
    for system in ("parley", "engines"):
        places = [i for i, each in enumerate(order) if each == system]
        assert places[0] < order.index("ray") < places[-1]


def test_systems_that_are_compared_take_turns():
    block = plan(Wanted(parts=[TURNS], systems=["parley", "engines"]))[0]
    assert [(row.system, row.clients) for row in block.rows[:4]] == [
        ("parley", 1),
        ("engines", 1),
        ("parley", 8),
        ("engines", 8),
    ]


def test_the_second_time_they_are_asked_the_other_way_round():
    first, second, *_ = plan(Wanted(parts=[TURNS], systems=["parley", "engines"]))
    assert [row.system for row in second.rows[:2]] == [
        row.system for row in reversed(first.rows[:2])
    ]


def test_two_working_trees_are_measured_side_by_side():
    trees = ["parley@/a", "parley@/b"]
    blocks = plan(Wanted(parts=[TURNS], systems=trees, turns=1, searches=["greedy"]))
    assert blocks[0].systems == [(tree, "greedy") for tree in trees]


def test_ray_is_alone_while_it_is_measured():
    """Its daemons work even when nothing is asked of it."""
    for block in plan(Wanted()):
        kinds = {system for system, _ in block.systems}
        assert len(kinds) == 1 or not any(kind.startswith("ray") for kind in kinds)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_has_rows_of_that_part_only(part: str):
    found = {row.part for block in plan(Wanted(parts=[part])) for row in block.rows}
    assert found <= {part}


def test_whoever_names_systems_gets_rows_of_those_only():
    blocks = plan(Wanted(systems=["bentoml", "translator"]))
    assert {row.system for block in blocks for row in block.rows} == {"bentoml", "translator"}


def test_seconds_that_somebody_names_are_those_of_every_row():
    blocks = plan(wanted_of(["--seconds", "30", "--clients", "1,16"]))
    assert {row.seconds for block in blocks for row in block.rows} == {30.0}


def test_nobody_waits_long_for_a_short_row():
    blocks = plan(wanted_of(["--seconds", "2"]))
    assert max(row.ramp for block in blocks for row in block.rows) <= 4.0


def all_of(block: Block) -> list[tuple[str, str]]:
    return [*block.systems, *block.starts]
