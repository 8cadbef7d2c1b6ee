"""What processes use of a machine, and what everybody else uses of it meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
# Columns of /proc/stat's first line in which no processor works.
_IDLE = (3, 4)


@dataclass(frozen=True)
class Usage:
    """Seconds: processors' of the processes, of this one, of the whole machine; and of the clock.

    busy counts the time that a hypervisor took away, too.
    """

    processes: float
    own: float
    busy: float
    wall: float


def processes() -> list[int]:
    """All that can be seen but this one: in a namespace of processes, what was started in it."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in found if pid != os.getpid()]


def usage(pids: Iterable[int]) -> Usage:
    seconds = sum(map(_cpu_seconds, pids))
    return Usage(seconds, time.process_time(), _busy_seconds(), time.monotonic())


def share_of_others(before: Usage, after: Usage, processors: int) -> float:
    """Of the machine (0..1), what neither the processes nor this one took between the two."""
    wall = after.wall - before.wall
    ours = after.processes - before.processes + after.own - before.own
    others = after.busy - before.busy - ours
    return max(0.0, others / (wall * processors)) if wall else 0.0


def proportional_bytes(pids: Iterable[int]) -> int:
    """Memory of all together (PSS): what several of them share counts once."""
    return sum(map(_proportional_bytes, pids))


def _proportional_bytes(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


def _cpu_seconds(pid: int) -> float:
    """Its own, and those of its children that have ended."""
    with suppress(OSError):
        # The name, in brackets, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return _TICK * sum(int(field) for field in fields[11:15])
    return 0.0


def _busy_seconds() -> float:
    numbers = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return _TICK * sum(n for i, n in enumerate(numbers) if i not in _IDLE)
