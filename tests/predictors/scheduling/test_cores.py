"""Models share the cores of a process: none stands idle, none is given twice, nobody starves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.scheduling.cores import Cores, Next, Pace


@dataclass(frozen=True)
class Call:
    """name: its model's and its own.  due: when it came.  seconds: that it takes."""

    name: str
    due: float
    seconds: float = 0.0


@dataclass(eq=False)
class Model:
    """Its calls begin in order, and end when the test says so. at_work: items of those that run."""

    cores: Cores
    begun: list[str]
    width: int = 1
    at_work: int = 0
    calls: list[Call] = field(default_factory=list)
    allowed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cores.join(self)

    @property
    def items(self) -> int:
        return len(self.calls) + self.at_work

    def next(self) -> Next | None:
        return Next(self.calls[0].due, self.calls[0].seconds) if self.calls else None

    def join(self) -> bool:
        return False

    def begin(self, most: int) -> None:
        self.allowed.append(most)
        self.begun.append(self.calls.pop(0).name)

    def ask(self, name: str, due: float, seconds: float = 0.0) -> None:
        self.calls.append(Call(name, due, seconds))
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
    long.ask("long, came at 0", due=0, seconds=10)
    for second in range(17, 24):
        short.ask(f"short, came at {second}", due=second, seconds=1)
    for _ in range(4):
        cores.give_back(1)
    assert begun[1:] == [
        "short, came at 17", "long, came at 0", "short, came at 18", "short, came at 19",
    ]  # fmt: skip


def test_a_call_takes_no_more_than_the_part_of_one_core() -> None:
    cores, begun = Cores(2), list[str]()
    first, second = Model(cores, begun, at_work=3), Model(cores, begun)
    wide = Model(cores, begun, width=2)
    for i in range(5):
        first.calls.append(Call(f"first {i}", due=i))
    second.ask("second", due=9)
    # Nine at work and waiting in all, of which two calls can run at a time.
    assert first.allowed == [5, 4]
    first.calls.clear()
    cores.give_back(1)
    cores.give_back(1)
    wide.ask("all cores", due=1)
    cores.give_back(1)
    # Of a call that takes all cores there is but one at a time: the four that are left.
    assert wide.allowed == [4]


class Moments:
    """Functions that are to be called later, which the test calls."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.calls: list[Callable[[], None]] = []

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.seconds.append(seconds)
        self.calls.append(what)


def test_what_was_answered_together_reaches_the_next_model_before_it_begins() -> None:
    moments, begun = Moments(), list[str]()
    cores = Cores(1, moments.later)
    first, second = Model(cores, begun), Model(cores, begun)
    first.ask("first", due=0)
    cores.give_back(1, items=3, seconds=1.0)
    for i in range(3):
        assert begun == ["first"]
        second.ask(f"second {i}", due=1)
    assert begun == ["first", "second 0"]
    # It was there in time: the moment that comes now changes nothing.
    for call in moments.calls:
        call()
    assert begun == ["first", "second 0"]


def test_what_does_not_come_again_is_waited_for_a_moment() -> None:
    moments, begun = Moments(), list[str]()
    cores = Cores(1, moments.later)
    model, _ = Model(cores, begun), Model(cores, begun)
    model.ask("first", due=0)
    cores.give_back(1, items=3, seconds=1.0)
    model.ask("second", due=1)
    assert begun == ["first"]
    [call] = moments.calls
    call()
    assert begun == ["first", "second"]
    # A twentieth of what the call took, or of what would begin now; a tenth of a second at most.
    model.ask("third", due=1, seconds=1.5)
    for seconds in (1.0, 60.0):
        cores.give_back(1, items=3, seconds=seconds)
    assert moments.seconds == pytest.approx([0.05, 0.075, 0.1])


def test_what_is_alone_is_never_made_to_wait() -> None:
    moments, begun = Moments(), list[str]()
    cores = Cores(1, moments.later)
    first, second = Model(cores, begun), Model(cores, begun)
    first.ask("first", due=0)
    second.ask("second", due=1)
    cores.give_back(1, items=1, seconds=5.0)
    assert begun == ["first", "second"] and not moments.calls
    # Nothing of it was answered: whoever asked has left.
    first.ask("again", due=2)
    cores.give_back(1, items=0, seconds=5.0)
    assert begun == ["first", "second", "again"] and not moments.calls
    # From the only model that there is, nothing goes on to another one.
    cores.leave(second)
    first.ask("third", due=2)
    cores.give_back(1, items=3, seconds=5.0)
    assert begun == ["first", "second", "again", "third"] and not moments.calls


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


def test_the_pace_knows_what_a_call_takes_whatever_its_size() -> None:
    pace = Pace()
    assert pace.expected(4) == 0
    for items in (1, 8, 16, 3, 1):
        pace.note(items, 1.0 + 0.25 * items)
    for items in (1, 2, 16):
        assert pace.expected(items) == pytest.approx(1.0 + 0.25 * items, rel=0.15)


def test_the_pace_follows_the_latest_calls() -> None:
    pace = Pace()
    for seconds in (9.0, 2.0):
        for _ in range(60):
            pace.note(4, seconds)
        assert pace.expected(4) == pytest.approx(seconds, rel=0.01)
    # Of one size only: a smaller call takes less, and more than its part.
    assert 0.5 < pace.expected(1) < 2.0


@given(
    st.lists(st.tuples(st.integers(1, 64), st.floats(0.001, 60)), min_size=1, max_size=30),
    st.integers(1, 64),
)
def test_a_larger_call_is_never_expected_to_end_sooner(
    calls: Sequence[tuple[int, float]], items: int
) -> None:
    pace = Pace()
    for each, seconds in calls:
        pace.note(each, seconds)
    assert 0 <= pace.expected(items) <= pace.expected(items + 1) + 1e-9
