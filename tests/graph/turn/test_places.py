"""Places for turns, of which there are only so many."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from graph.errors import Overloaded
from graph.turn.places import Places
from graph.turn.timeouts import DEFAULT

MOST = DEFAULT.turn / 2


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def refusal(places: Places) -> Overloaded:
    with pytest.raises(Overloaded) as refused, places.one():
        raise AssertionError("there is no such place")
    return refused.value


def test_there_are_as_many_as_were_asked_for() -> None:
    places = Places(2)
    with places.one(), places.one():
        # Who was refused holds nothing, so that nothing is given back either.
        for _ in range(3):
            assert str(refusal(places)) == "2 turns are under way; try again later"
    with places.one(), places.one():
        pass


def test_what_fails_gives_its_place_back() -> None:
    places = Places(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), places.one():
            _ = 1 / 0


def test_who_is_refused_is_told_of_a_place_that_nobody_else_was_told_of() -> None:
    clock = Clock()
    places = Places(4, clock)
    with ExitStack() as turns:
        for _ in range(4):
            turns.enter_context(places.one())
        # Nothing has ended yet, so nothing is known.
        assert refusal(places).retry_after == 1
        clock.now += 8
    with ExitStack() as turns:
        for _ in range(4):
            turns.enter_context(places.one())
        # A turn takes 8 seconds, so one of four ends every 2 seconds.
        assert [refusal(places).retry_after for _ in range(3)] == [2, 4, 6]
        clock.now += 5
        assert refusal(places).retry_after == 3
        clock.now += 60
        assert refusal(places).retry_after == 2
        # Nobody is told of what is further ahead than half of a turn's time.
        assert max(refusal(places).retry_after for _ in range(100)) == MOST
        assert refusal(places).retry_after == MOST
