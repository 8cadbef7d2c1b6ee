"""Wait until applications work: the truth, and not what KServe's conditions say.

Jobs are done, the pods of every service and of the graph's router are new and available, a route is
accepted, and then one request is answered. What fails is told meanwhile, but it is waited for until
the time is up, since most of it can still be put right: an image that is pushed, a node that joins.
Only what stays so until somebody changes an object ends the wait at once: a Job that failed for
good, and what is paused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from graph.cluster.connection import Cluster
from graph.cluster.crashlogs import CrashLogs
from graph.cluster.nudges import Nudges
from graph.cluster.parts.applications import Application, find_applications
from graph.cluster.parts.model import Part, State, Status, first_trouble, worst
from graph.cluster.reasons.model import Cause, Reason
from graph.cluster.snapshot import Snapshot
from graph.cluster.status import check_namespace, describe
from graph.cluster.turns import Question, ask, question_of
from graph.cluster.watches import Watches
from graph.errors import (
    DeadlineExceeded,
    NotFound,
    NotReady,
    TimedOut,
    Unreachable,
)

# A turn of the reference models ends within a minute; a router's own time-out comes before.
_ASK_SECONDS = 90.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
# So often it is looked whether time alone has changed something.
_PACE = 2.0
_ANSWER = "Answer"


def wait(
    cluster: Cluster,
    names: Sequence[str] = (),
    timeout: float = 600,
    *,
    turn: bool = True,
    on_change: Callable[[Status], None] = lambda status: None,
) -> Status:
    """Until all applications of the cluster's namespace, or those that are named, work.

    names: as for `read_status`.  timeout: seconds.  turn: ask for one answer at the end.
    on_change: is given every status that differs from the one before.
    Raises TimedOut, which names the first trouble; NotReady where there is nothing to wait for;
    NotFound where there is no such application, and any other ClusterError. An API server that
    goes away meanwhile, and comes back, is no error.
    """
    end = time.monotonic() + timeout
    with Watches(cluster) as watches:
        waiting = _Waiting(cluster, names, turn)
        shown: Status | None = None
        while True:
            left = end - time.monotonic()
            snapshot = watches.next(0 if waiting.is_asking else min(left, _PACE))
            status = waiting.look(snapshot, watches.problem) if snapshot else shown
            if status is not None and status != shown:
                on_change(status)
                shown = status
            if status is not None and not status.problem:
                if status.ready:
                    return status
                _check_hope(status)
            if left <= 0:
                raise TimedOut(f"after {timeout:.0f} s: {_describe_lateness(status, watches)}")
            waiting.ask(left)


def _check_hope(status: Status) -> None:
    for path in status.walk():
        part = path[-1]
        if part.state is State.STOPPED and not part.parts:
            raise NotReady(
                f"{part.kind} {part.name} is paused; `parley resume {part.name}` starts it"
            )
        if part.reason and part.reason.lasting:
            raise NotReady(tell_trouble(path))


def tell_trouble(path: Sequence[Part]) -> str:
    """One line about a part that is not ready: which one, why, and the fix."""
    part = path[-1]
    where = ", ".join(f"{each.kind} {each.name}" for each in path[1:] or path)
    if part.reason is None:
        return f"{where}: {part.detail or 'is not ready'}"
    return f"{where}: {part.reason.message}; {part.reason.fix}"


def _describe_lateness(status: Status | None, watches: Watches) -> str:
    if watches.problem:
        return f"the cluster does not answer: {watches.problem}"
    path = first_trouble(status) if status else None
    return tell_trouble(path) if path else "the cluster has not listed its objects"


@dataclass
class _Waiting:
    """What a wait knows besides the objects: which application has answered, and when to ask."""

    cluster: Cluster
    names: Sequence[str]
    turn: bool
    answers: dict[str, Part] = field(default_factory=dict)
    asking: dict[str, Question] = field(default_factory=dict)
    again: float = 0.0
    pause: float = _FIRST_PAUSE

    def __post_init__(self) -> None:
        self.logs = CrashLogs(self.cluster)
        self.nudges = Nudges(self.cluster)

    @property
    def is_asking(self) -> bool:
        """Whether somebody is to be asked now."""
        return bool(self.asking) and time.monotonic() >= self.again

    def look(self, snapshot: Snapshot, problem: str) -> Status:
        check_namespace(self.cluster, snapshot)
        status = replace(describe(snapshot, self.names), problem=problem)
        if problem:
            return status
        self._nudge(status)
        found = find_applications(snapshot, self.names)
        applications = zip(found, status.applications, strict=True)
        self.asking = {}
        parts = tuple(self._with_answer(each, part) for each, part in applications)
        return self.logs.fill(replace(status, applications=parts))

    def ask(self, left: float) -> None:
        """One of those that look ready, if it is time to. Raises ClusterError."""
        if not self.is_asking:
            return
        name, question = next(iter(self.asking.items()))
        self.answers[name] = self._ask(question, min(left, _ASK_SECONDS))
        if self.answers[name].ready:
            self.pause = _FIRST_PAUSE
            return
        self.again = time.monotonic() + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)

    def _ask(self, question: Question, seconds: float) -> Part:
        try:
            return Part(
                _ANSWER, question.service, State.READY, ask(self.cluster, question, seconds)
            )
        except (NotReady, DeadlineExceeded, NotFound, Unreachable) as err:
            reason = Reason(
                Cause.NO_ANSWER,
                err.message,
                f"see `parley logs {question.service.removesuffix('-predictor')}`",
            )
            return Part(_ANSWER, question.service, State.WAITING, err.message, reason)

    def _with_answer(self, application: Application, part: Part) -> Part:
        """The application with its answer, or with what it is asked for."""
        question = question_of(application) if self.turn else None
        if question is None or not part.ready:
            return part
        answer = self.answers.get(application.name)
        if answer is None or not answer.ready:
            self.asking[application.name] = question
        if answer is None:
            answer = Part(_ANSWER, question.service, State.WAITING, f"asked for {question.words}")
        parts = (*part.parts, answer)
        return replace(part, parts=parts, state=worst(parts))

    def _nudge(self, status: Status) -> None:
        try:
            self.nudges.nudge(status)
        except Unreachable:
            # The watches see it too, and say so.
            return
