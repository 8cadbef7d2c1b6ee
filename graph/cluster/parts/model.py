"""A tree of parts: an application, its services, their pods. Each knows how it is, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from graph.cluster.reasons.model import Reason


class State(StrEnum):
    READY = "ready"
    WAITING = "waiting"
    FAILING = "failing"
    # Paused by KServe's stop annotation.
    STOPPED = "stopped"
    # Not needed: another part does what it is there for.
    IDLE = "idle"


@dataclass(frozen=True)
class Part:
    """detail: what it is doing, in a few words.  reason: why it is not ready, where that is known.

    kind: as Kubernetes has it, or Application.
    """

    kind: str
    name: str
    state: State
    detail: str = ""
    reason: Reason | None = None
    parts: tuple[Part, ...] = ()

    @property
    def ready(self) -> bool:
        return self.state in (State.READY, State.IDLE)

    def walk(self) -> Iterator[tuple[Part, ...]]:
        """Itself and all below, each as the path that leads to it."""
        yield (self,)
        for part in self.parts:
            for path in part.walk():
                yield (self, *path)


@dataclass(frozen=True)
class Status:
    """problem: why it may be out of date, "" where it is not."""

    namespace: str
    applications: tuple[Part, ...]
    problem: str = ""

    @property
    def ready(self) -> bool:
        return all(application.ready for application in self.applications)

    def walk(self) -> Iterator[tuple[Part, ...]]:
        for application in self.applications:
            yield from application.walk()


def state_of(reason: Reason | None) -> State:
    """Of a part that is not ready."""
    return State.FAILING if reason and reason.failing else State.WAITING


def worst(parts: Iterable[Part]) -> State:
    """Of what is made of these parts."""
    states = {part.state for part in parts}
    order = (State.FAILING, State.WAITING, State.STOPPED)
    return next((state for state in order if state in states), State.READY)


def first_trouble(status: Status) -> tuple[Part, ...] | None:
    """The path to the part that is to be told of first, where not all is ready.

    A part that fails counts before one that waits, and one with a reason before one without.
    """
    paths = [path for path in status.walk() if not path[-1].ready]
    return min(paths, key=_urgency, default=None)


def _urgency(path: tuple[Part, ...]) -> tuple[bool, bool, int]:
    part = path[-1]
    return part.state is not State.FAILING or part.reason is None, part.reason is None, -len(path)
