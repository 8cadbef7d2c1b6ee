"""Models share the cores of a process: none stands idle, none is given twice, nobody starves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from predictors.scheduling.cores import Cores, Pace


@dataclass(frozen=True)
class Call:
    """name: its model's and its own.  due: when it came, and the seconds that it takes."""

    name: str
    due: float


@dataclass(eq=False)
class Model:
    """Its calls begin in order, and end when the test says so."""

    cores: Cores
    begun: list[str]
    width: int = 1
    calls: list[Call] = field(default_factory=list)
    allowed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cores.join(self)

    def due(self) -> float | None:
        return self.calls[0].due if self.calls else None

    def begin(self, calls: int) -> None:
        self.allowed.append(calls)
        self.begun.append(self.calls.pop(0).name)

    def ask(self, name: str, due: float) -> None:
        self.calls.append(Call(name, due))
        self.cores.share_out()


def test_no_more_calls_run_than_there_are_cores_and_the_shortest_is_next() -> None:
    cores, begun = Cores(2), list[str]()
    long, short, middle = (Model(cores, begun) for _ in range(3))
    long.ask("long 1", due=30)
    long.ask("long 2", due=30)
    long.ask("long 3", due=30)
    middle.ask("middle", due=9)
    short.ask("short", due=2)
    assert begun == ["long 1", "long 2"]
    cores.give_back(1)
    cores.give_back(1)
    assert begun == ["long 1", "long 2", "short", "middle"]


def test_long_work_goes_before_short_work_that_came_much_later() -> None:
    cores, begun = Cores(1), list[str]()
    busy, long, short = (Model(cores, begun) for _ in range(3))
    busy.ask("busy", due=0)
    long.ask("long, came at 0", due=0 + 20)
    for second in range(18, 24):
        short.ask(f"short, came at {second}", due=second + 1)
    for _ in range(4):
        cores.give_back(1)
    assert begun[1:] == [
        "short, came at 18", "long, came at 0", "short, came at 19", "short, came at 20",
    ]  # fmt: skip


def test_each_model_gets_a_core_before_one_gets_two() -> None:
    cores, begun = Cores(4), list[str]()
    first, second = Model(cores, begun), Model(cores, begun)
    blocker = Model(cores, begun, width=4)
    blocker.ask("all", due=0)
    first.ask("first", due=1)
    second.ask("second", due=2)
    cores.give_back(4)
    # The first may count on three of the four, for the second needs one.
    assert (first.allowed, second.allowed) == ([3], [3])


def test_a_wide_call_is_not_passed_by_narrow_ones() -> None:
    cores, begun = Cores(2), list[str]()
    narrow, wide = Model(cores, begun), Model(cores, begun, width=2)
    narrow.ask("narrow 1", due=1)
    wide.ask("wide", due=5)
    narrow.ask("narrow 2", due=6)
    assert begun == ["narrow 1"]
    cores.give_back(1)
    assert begun == ["narrow 1", "wide"]
    cores.give_back(2)
    assert begun == ["narrow 1", "wide", "narrow 2"]


def test_a_call_wider_than_the_machine_takes_all_of_it() -> None:
    cores, begun = Cores(2), list[str]()
    wide = Model(cores, begun, width=8)
    wide.ask("wide 1", due=1)
    wide.ask("wide 2", due=1)
    cores.give_back(8)
    assert begun == ["wide 1", "wide 2"]


def test_who_has_left_begins_nothing() -> None:
    cores, begun = Cores(1), list[str]()
    model = Model(cores, begun)
    cores.leave(model)
    cores.leave(model)
    model.ask("call", due=1)
    assert begun == []


@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 3), st.floats(0, 9), st.booleans()),
        max_size=40,
    ),
)
def test_all_begin_and_never_on_more_cores_than_there_are(
    count: int, moves: Sequence[tuple[int, int, float, bool]]
) -> None:
    """Calls come and end in any order; widths differ by model."""
    cores, begun = Cores(count), list[str]()
    models = [Model(cores, begun, width=width) for width in (1, 2, 1)]
    widths: list[int] = []
    asked = 0

    def see_what_began() -> None:
        for name in begun[len(widths) :]:
            widths.append(models[int(name[0])].width)
        assert sum(min(w, count) for w in widths if w) <= count

    def end_one(which: int) -> None:
        running = [i for i, width in enumerate(widths) if width]
        if running:
            chosen = running[which % len(running)]
            width, widths[chosen] = widths[chosen], 0
            cores.give_back(width)
            see_what_began()

    for model, which, due, ends in moves:
        models[model].ask(f"{model}", due)
        asked += 1
        see_what_began()
        if ends:
            end_one(which)
    while any(widths):
        end_one(0)
    assert len(begun) == asked


def test_the_pace_follows_the_latest_calls() -> None:
    pace = Pace()
    assert pace.per_item == 0
    pace.note(4, 2.0)
    assert pace.per_item == 0.5
    for _ in range(50):
        pace.note(1, 2.0)
    assert abs(pace.per_item - 2) < 0.01
