"""How many CPU threads this process may keep busy.

In a container the kernel's limit counts, not the host's cores: threads beyond the quota only make
the container wait out its period. The nearest limit up the tree of control groups holds.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath


def cpu_limit(root: Path = Path("/")) -> int:
    """Whole CPUs of the quota (cgroup v1 or v2), at least 1, at most those of the CPU affinity.

    `root` is where /proc and /sys lie.
    """
    available = len(os.sched_getaffinity(0))
    quotas = [quota for quota in (_quota_v2(root), _quota_v1(root)) if quota is not None]
    # A quota of 1.5 keeps one thread busy all the time; two would be throttled together.
    return max(1, min(available, *(int(quota) for quota in quotas)) if quotas else available)


def has_int8_products(root: Path = Path("/")) -> bool:
    """Whether every core multiplies and adds up small integers in one instruction (x86's VNNI)."""
    lines = _read(root / "proc/cpuinfo").splitlines()
    flags = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return bool(flags) and all(each & {"avx512_vnni", "avx_vnni"} for each in flags)


def _quota_v2(root: Path) -> float | None:
    quotas = []
    for folder in _folders(root / "sys/fs/cgroup", _group(root, "")):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal():
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _quota_v1(root: Path) -> float | None:
    quotas = []
    for mount in ("cpu", "cpu,cpuacct"):
        for folder in _folders(root / "sys/fs/cgroup" / mount, _group(root, "cpu")):
            # An absent limit reads -1.
            quota = _read(folder / "cpu.cfs_quota_us")
            period = _read(folder / "cpu.cfs_period_us")
            if quota.isdecimal() and period.isdecimal():
                quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _group(root: Path, controller: str) -> PurePosixPath:
    """This process's group, from lines `number:controllers:path`; v2 has no controllers there."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return PurePosixPath(path)
    return PurePosixPath("/")


def _folders(mount: Path, group: PurePosixPath) -> list[Path]:
    """The folders of a group and of all above it; inside a container only the mount is there."""
    relative = PurePosixPath(*group.parts[1:])
    return [mount / part for part in (relative, *relative.parents)]


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
