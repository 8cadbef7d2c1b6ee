"""Control groups, in cgroup v1 or v2: what is started in one is found there and ended there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


class BusyGroup(Exception):
    """A group does not end; the message names it."""


def folders(group: str, existing: bool = False) -> list[Path]:
    """A group's folder in each hierarchy of cgroup v1, or the one of v2."""
    if (CGROUPS / "cgroup.controllers").exists():
        roots = [CGROUPS]
    else:
        roots = [path for path in CGROUPS.iterdir() if (path / "cgroup.procs").exists()]
    found = [root / group for root in roots]
    return [folder for folder in found if folder.exists()] if existing else found


def make(group: str) -> None:
    """A new group, with one in it for daemons."""
    for folder in folders(group):
        folder.mkdir()
        _inherit_cpuset(folder)
    daemons(group).mkdir()


def daemons(group: str) -> Path:
    """Where the daemons are counted: in v1 any one hierarchy does."""
    found = folders(group)
    pids = CGROUPS / "pids"
    return next((f for f in found if pids in f.parents), found[0]) / "daemons"


def processes(folder: Path) -> list[int]:
    """Those of one group's folder, without those in it."""
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        # The group has gone meanwhile, with the container that it was for.
        return []


def end(group: str) -> None:
    """Kill every process of a group and of those in it. Raises BusyGroup."""
    for folder in folders(group, existing=True):
        _end(folder)


def _end(folder: Path) -> None:
    for _ in range(200):
        pids = [pid for inner in _tree(folder) for pid in processes(inner)]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    raise BusyGroup(f"{folder}: processes do not end: {pids}")


def remove(group: str) -> None:
    """Remove a group that nothing runs in any more; fine when there is none."""
    for folder in folders(group, existing=True):
        for inner in sorted(_tree(folder), reverse=True):
            _remove_one(inner)


def _remove_one(folder: Path) -> None:
    for _ in range(100):
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            # A group stays busy for a moment after its last process has gone.
            time.sleep(0.05)
    raise BusyGroup(f"{folder} cannot be removed")


def _tree(folder: Path) -> Iterator[Path]:
    """The group and those in it; `os.walk` passes over what vanishes while it reads."""
    for path, _, _ in os.walk(folder):
        yield Path(path)


def _inherit_cpuset(folder: Path) -> None:
    """A new group of the v1 cpuset hierarchy has no CPU at all until it is given some."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        own, parent = folder / name, folder.parent / name
        if own.exists() and parent.exists() and not own.read_text().strip():
            own.write_text(parent.read_text())
