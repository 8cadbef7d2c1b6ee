"""A system that runs in a namespace of its own, seen from the bench: jobs go in, loads come out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import jobs
from tests.benchmarks.jobs import Job, Load, Started
from tests.benchmarks.systems import ROOT, System, system_to_json
from tests.network import find_namespace

_END_SECONDS = 30.0


class NotRunning(Exception):
    """A system did not start, or has ended; one line."""


class NoNamespace(Exception):
    """This machine gives no namespaces; one line."""


@dataclass(frozen=True)
class Session:
    """A system that is ready. started: what its start took."""

    system: System
    started: Started
    process: subprocess.Popen[str]

    def run(self, job: Job) -> Load:
        """What came of a job. Raises NotRunning when the system has ended."""
        assert self.process.stdin is not None
        try:
            print(jobs.to_line(job), file=self.process.stdin, flush=True)
        except BrokenPipeError as err:
            raise NotRunning(f"{self.system.name}: it has ended") from err
        return jobs.load_of(_line(self.process, self.system))


@contextmanager
def running(system: System) -> Iterator[Session]:
    """The system, started and ready; with the block, all that it started ends.

    Raises NoNamespace, NotRunning.
    """
    prefix = find_namespace("--pid", "--fork", "--kill-child", "--mount-proc")
    if prefix is None:
        raise NoNamespace(
            "no namespaces of network and processes can be made here; run it as root on Linux, "
            "with util-linux 2.32 or later"
        )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [*prefix, sys.executable, "-m", "tests.benchmarks.supervisor"]
        process = subprocess.Popen(
            [*command, system_to_json(system)],
            cwd=ROOT,
            env=_environ(Path(folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is the bench's, which ends the system by itself.
            start_new_session=True,
        )
        try:
            yield Session(system, _started(process, system), process)
        finally:
            _end(process)


def _environ(folder: Path) -> dict[str, str]:
    """Every home and cache that a system may write to lies in a folder that is removed."""
    (folder / "tmp").mkdir()
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BENCH_LOG": str(folder / "log"),
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        # Nothing is fetched, and nobody is told what runs here.
        "HF_HUB_OFFLINE": "1",
        "BENTOML_DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


def _started(process: subprocess.Popen[str], system: System) -> Started:
    started = jobs.started_of(_line(process, system))
    if started.error:
        raise NotRunning(f"{system.name}: {started.error}")
    return started


def _line(process: subprocess.Popen[str], system: System) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise NotRunning(f"{system.name}: its supervisor has ended; its error is above")
    return line


def _end(process: subprocess.Popen[str]) -> None:
    """The supervisor ends with its input, and everything in its namespace with it."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
