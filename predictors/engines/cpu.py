"""How many CPUs this process may use: the container's quota, not the host's core count.

Sources: cpu.max of cgroup v2, cpu.cfs_quota_us and cpu.cfs_period_us of v1 (kernel documentation,
admin-guide/cgroup-v2 and scheduler/sched-bwc), and the scheduler's affinity mask.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpu_limit(cgroup: Path = CGROUP) -> int:
    """Whole CPUs, at least one: the quota rounded up, within the affinity mask."""
    allowed = len(os.sched_getaffinity(0))
    quota = _quota_v2(cgroup) or _quota_v1(cgroup)
    return max(1, min(allowed, math.ceil(quota))) if quota else allowed


def _quota_v2(cgroup: Path) -> float | None:
    """`MAX PERIOD` in microseconds, or `max PERIOD` for no limit."""
    words = _read(cgroup / "cpu.max").split()
    if len(words) != 2 or not words[0].isdigit():
        return None
    return int(words[0]) / int(words[1])


def _quota_v1(cgroup: Path) -> float | None:
    """A quota of -1 means no limit."""
    quota = _read(cgroup / "cpu" / "cpu.cfs_quota_us").strip()
    period = _read(cgroup / "cpu" / "cpu.cfs_period_us").strip()
    if not quota.isdigit() or not period.isdigit():
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
