"""What a reason is. It says what is wrong in the words of Kubernetes, and what fixes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# An object as the API server gives it in JSON.
Object = Mapping[str, Any]

_SHOWN = 300


class Cause(StrEnum):
    """The kinds of reasons, by the names that -o json prints."""

    IMAGE_NOT_FOUND = "image-not-found"
    IMAGE_NOT_PULLED = "image-not-pulled"
    NO_GPU = "no-gpu"
    NO_DEVICE = "no-device"
    NO_RESOURCES = "no-resources"
    NO_NODE = "no-node"
    CLAIM_PENDING = "claim-pending"
    NOT_MOUNTED = "not-mounted"
    MODEL_NOT_CONVERTED = "model-not-converted"
    OUT_OF_MEMORY = "out-of-memory"
    CRASH = "crash"
    NOT_STARTED = "not-started"
    EVICTED = "evicted"
    REFUSED = "refused"
    PROBE_FAILING = "probe-failing"
    JOB_FAILED = "job-failed"
    MISSING = "missing"
    NOT_ACCEPTED = "not-accepted"
    NO_ANSWER = "no-answer"
    KSERVE = "kserve"


@dataclass(frozen=True)
class LogSource:
    """The container whose log tells more.

    previous: the log from before its last restart.  restarts: how many there were, so that a log
    is read once for each.
    """

    pod: str
    container: str
    previous: bool
    restarts: int


@dataclass(frozen=True)
class Reason:
    """message: what is wrong, one line.  fix: what to do, one line.

    log: where the last lines are that tell more; None where a log tells nothing.  log_lines: those
    lines, once they were read.  lasting: it stays so until somebody changes an object.
    """

    cause: Cause
    message: str
    fix: str
    log: LogSource | None = None
    log_lines: tuple[str, ...] = ()
    lasting: bool = False

    @property
    def failing(self) -> bool:
        """False for what may be on its way: a model that loads, a Job that converts."""
        on_its_way = self.cause in (Cause.PROBE_FAILING, Cause.MODEL_NOT_CONVERTED)
        return self.lasting or not on_its_way


def shorten(text: str, most: int = _SHOWN) -> str:
    """One line of a server's words, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."
