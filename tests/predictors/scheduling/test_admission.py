"""A request is taken whole or refused whole, by the work before it and a measured rate."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from graph.errors import Overloaded
from predictors.scheduling.admission import Admission


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def measured(clock: Clock, rate: float, requests: int = 64, seconds: float = 30.5) -> Admission:
    """An idle one that has finished `rate` of cost in each second."""
    admission = Admission(requests=requests, seconds=seconds, clock=clock)
    for _ in range(3):
        with admission.take(10 * rate):
            clock.now += 10
    return admission


def test_an_idle_predictor_takes_any_request() -> None:
    clock = Clock()
    for admission in (
        Admission(requests=64, seconds=30, clock=clock),
        measured(clock, rate=0.001),
        measured(clock, rate=1000),
    ):
        with admission.take(1e9, left=0.1):
            assert admission.at_work == 1
        assert admission.at_work == 0


def test_what_would_take_too_long_is_refused_with_the_seconds_until_there_is_room() -> None:
    admission = measured(Clock(), rate=10)
    with ExitStack() as at_work:
        for _ in range(2):
            at_work.enter_context(admission.take(100))
        # 100 of its own and as much of each of the others, 10 a second: 30 s; one more makes 40.
        at_work.enter_context(admission.take(100))
        with pytest.raises(Overloaded, match="3 requests are at work.* would take 40 s") as refused:
            admission.take(100)
        assert refused.value.retry_after == 10
        assert admission.at_work == 3
    with admission.take(100):
        pass


def test_nobody_is_refused_for_the_slow_beginning_of_a_model() -> None:
    """Its first requests wait for pages that are read once."""
    clock = Clock()
    admission = Admission(requests=64, seconds=30, clock=clock)
    for _ in range(2):
        with admission.take(10):
            clock.now += 100
    with admission.take(10), admission.take(10):
        pass
    # Three have ended, and now the rate is known.
    with admission.take(10), pytest.raises(Overloaded):
        admission.take(10)


def test_a_short_request_is_taken_beside_a_long_one_and_a_second_long_one_is_not() -> None:
    admission = measured(Clock(), rate=10)
    with admission.take(5000):
        with admission.take(10):
            pass
        with pytest.raises(Overloaded):
            admission.take(5000)


def test_nobody_is_taken_who_would_be_gone_before_the_answer() -> None:
    admission = measured(Clock(), rate=10)
    with admission.take(100):
        with pytest.raises(Overloaded):
            admission.take(100, left=15)
        with admission.take(100, left=25):
            pass


def test_the_rate_is_that_of_the_time_with_work_and_the_latest_counts_most() -> None:
    clock = Clock()
    admission = measured(clock, rate=10)
    clock.now += 10_000
    with admission.take(100):
        admission.take(100)
        clock.now += 100
    # A hundred seconds without result: the same request is expected to take far longer.
    with admission.take(100), pytest.raises(Overloaded):
        admission.take(200)


def test_a_failed_request_gives_its_place_back_and_counts_as_no_work_done() -> None:
    clock = Clock()
    admission = Admission(requests=1, seconds=30, clock=clock)
    for _ in range(3):
        with pytest.raises(ValueError), admission.take(1):
            clock.now += 1
            raise ValueError
    with admission.take(1), pytest.raises(Overloaded, match="1 requests are at work"):
        admission.take(1)
