"""The request that the code at hand works for, known without being passed through every call.

The handler sets it around `predict`. A task, `asyncio.to_thread` and the loop of another thread
inherit it, so that a batcher or an engine knows whose an item is: for its fair share, for its
deadline, for the log. It bounds nothing and refuses nothing itself.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property

from graph.contract import DEADLINE, REQUEST_ID, TIMEOUT, Instance
from predictors.scheduling.spent import Spent

_WORD = re.compile(r"\w+")
# So many take about two milliseconds of the event loop.
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, eq=False)
class Request:
    """A request to one predictor. It equals only itself: that is what a fair share goes by.

    predictor: the name of the predictor that it came to.  request_ids: the names of its turns.
    deadline: the time of day after which nobody waits, None where that is not known.
    instances: its turns, as they came.  spent: what the engines note of the work for it.
    """

    predictor: str = ""
    request_ids: tuple[str, ...] = ()
    deadline: float | None = None
    instances: Sequence[Instance] = field(default=(), repr=False)
    spent: Spent = field(default_factory=Spent, repr=False)

    @property
    def request_id(self) -> str:
        """One text for logs and errors: the names of all its turns, with commas between."""
        return ",".join(self.request_ids)

    @cached_property
    def words(self) -> frozenset[str] | None:
        """The words of every text in it, in small letters: what no line of a log may hold.

        None where they are too many to be gathered while other requests wait.
        """
        found: set[str] = set()
        room = _MOST_CHARACTERS
        for text in (text for turn in self.instances for text in _texts(turn.values())):
            room -= len(text) + 1
            if room < 0:
                return None
            found.update(_WORD.findall(text.lower()))
        return frozenset(found)


def new_request_id() -> str:
    return uuid.uuid4().hex


def stamp(instances: Sequence[Instance], turn_timeout: float, now: float) -> None:
    """Give each turn a name and a deadline where it has none: the first predictor does.

    A batch is answered whole, so the shortest `timeout` of its turns holds for all of them. It is
    taken out, for a later step would count it from its own beginning. More than `turn_timeout`
    seconds, the time-outs of what is around the predictors do not allow.
    """
    asked = [instance.pop(TIMEOUT) for instance in instances if TIMEOUT in instance]
    seconds = min([turn_timeout, *asked])
    for instance in instances:
        instance.setdefault(REQUEST_ID, new_request_id())
        if asked or DEADLINE not in instance:
            known = instance.get(DEADLINE, float("inf"))
            instance[DEADLINE] = min(known, round(now + seconds, 3))


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (text for text in value if isinstance(text, str))


_AT_WORK: ContextVar[Request | None] = ContextVar("request at work", default=None)


def current_request() -> Request:
    """The request at work; outside of a handler, a new one for each call."""
    return _AT_WORK.get() or Request()


@contextmanager
def working_for(request: Request) -> Iterator[None]:
    """Make `request` the one at work, for everything that is called or started in the block."""
    token = _AT_WORK.set(request)
    try:
        yield
    finally:
        _AT_WORK.reset(token)
