"""What is said between the bench and the process that loads a system: one JSON line each way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Job:
    """clients: that ask one after the other, each as soon as it is answered.

    texts: what they ask, in turn.  ramp: seconds at most of which nothing counts, until each client
    has been answered once.  seconds: that count then.  most: requests after which it ends before
    its time.
    """

    texts: Sequence[str]
    clients: int
    seconds: float
    ramp: float = 0.0
    most: int = 1_000_000


@dataclass(frozen=True)
class Load:
    """What came of a job once its ramp was over. seconds: of each answer, in order of their coming.

    wall: from the last answer of the ramp, or its end, to the last of all; so many answers came in
    that time.  window: until the end of the job.  cut: seconds that had passed for each request
    that was given up then.  refused: requests that were told to come again, and did.
    failed: those without a proper answer; error: of the first.
    cpu: seconds of processors that the system used.  memory: its bytes at the end (PSS).
    others: of the machine (0..1), taken by neither the system nor its load.
    answers: by text, the first.
    """

    seconds: Sequence[float] = ()
    cut: Sequence[float] = ()
    wall: float = 0.0
    window: float = 0.0
    failed: int = 0
    refused: int = 0
    error: str = ""
    cpu: float = 0.0
    memory: int = 0
    others: float = 0.0
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """seconds: until it was ready.  memory: bytes then (PSS).  error: why it never was."""

    seconds: float = 0.0
    memory: int = 0
    error: str = ""


def to_line(value: Job | Load | Started) -> str:
    return json.dumps(asdict(value))


def job_of(line: str) -> Job:
    return Job(**json.loads(line))


def load_of(line: str) -> Load:
    return Load(**json.loads(line))


def started_of(line: str) -> Started:
    return Started(**json.loads(line))
