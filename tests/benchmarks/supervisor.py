"""Starts one system in namespaces of its own, loads it, and says what it used.

`python -m tests.benchmarks.supervisor SYSTEM` reads jobs from stdin and writes what came of each.
It is the first process of its namespace, so everything else that is there belongs to the system,
nothing outside can reach it, and with this process all of it ends.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx2

from tests.benchmarks import jobs, usage
from tests.benchmarks.closed import run_closed
from tests.benchmarks.jobs import Job, Load, Started
from tests.benchmarks.systems import System, system_of
from tests.benchmarks.usage import Usage
from tests.network import raise_loopback

# A program of jobs says this before it takes the first one.
READY = "ready"
_LAST_LINES = 12
_STOP_SECONDS = 10.0
_SETTLE_SECONDS = 120.0
_SAMPLE_SECONDS = 0.3
# Of a processor: what the daemons of an idle system may take.
_IDLE = 0.4


class Failed(Exception):
    """The system never was ready, or has ended; one line."""


def main(argv: list[str]) -> int:
    raise_loopback()
    system = system_of(argv[0])
    with _started(system) as process:
        try:
            started = _wait(system, process)
        except Failed as err:
            print(jobs.to_line(Started(error=str(err))), flush=True)
            return 1
        print(jobs.to_line(started), flush=True)
        for line in sys.stdin:
            print(jobs.to_line(_measure(system, process, jobs.job_of(line))), flush=True)
    return 0


@contextmanager
def _started(system: System) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, **system.environ}
    piped = subprocess.PIPE if not system.port else subprocess.DEVNULL
    with open(os.environ["BENCH_LOG"], "ab") as log:
        process = subprocess.Popen(
            system.command,
            cwd=system.folder or None,
            env=environ,
            stdin=piped,
            stdout=piped if not system.port else log,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(system: System, process: subprocess.Popen[str]) -> Started:
    """Raises Failed."""
    started = time.monotonic()
    if system.port:
        _wait_for_answer(system, process, started + system.start)
    else:
        assert process.stdout is not None
        if process.stdout.readline().strip() != READY:
            raise Failed(f"it ended before it was ready: {_last_line()}")
    seconds = time.monotonic() - started
    return Started(seconds, usage.proportional_bytes(usage.processes()))


def _wait_for_answer(system: System, process: subprocess.Popen[str], end: float) -> None:
    with httpx2.Client(trust_env=False, timeout=5.0) as client:
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Failed(f"it ended before it was ready: {_last_line()}")
            try:
                if client.get(system.url + system.ready).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            # Until the socket is there, nothing tells when to ask again.
            time.sleep(0.02)
    raise Failed(f"not ready after {system.start:.0f} s: {_last_line()}")


def _measure(system: System, process: subprocess.Popen[str], job: Job) -> Load:
    _settle()
    marks: list[Usage] = []

    def mark() -> None:
        marks.append(usage.usage(usage.processes()))

    load = _run(system, process, job, mark)
    before, after = marks
    load = replace(
        load,
        cpu=after.processes - before.processes,
        memory=usage.proportional_bytes(usage.processes()),
        others=usage.share_of_others(before, after, os.cpu_count() or 1),
    )
    # The next row may be another system's.
    _settle()
    return load


def _settle() -> None:
    """Wait until the system works on nothing more: its start, or requests that were given up.

    Some servers finish those, so the wait has an end.
    """
    end = time.monotonic() + _SETTLE_SECONDS
    busy = True
    while busy and time.monotonic() < end:
        before = usage.usage(usage.processes())
        time.sleep(_SAMPLE_SECONDS)
        after = usage.usage(usage.processes())
        busy = after.processes - before.processes > _IDLE * (after.wall - before.wall)


def _run(
    system: System, process: subprocess.Popen[str], job: Job, mark: Callable[[], None]
) -> Load:
    """Calls `mark` when the job begins to count, and at its end."""
    if system.port:
        return asyncio.run(run_closed(system.url + system.path, job, mark))
    assert process.stdin is not None and process.stdout is not None
    mark()
    print(jobs.to_line(job), file=process.stdin, flush=True)
    line = process.stdout.readline()
    mark()
    if not line:
        return Load(failed=1, error=f"it has ended: {_last_line()}")
    return jobs.load_of(line)


def _last_line() -> str:
    """The last line of the system's log that says something."""
    with open(os.environ["BENCH_LOG"], errors="replace") as log:
        lines = [line.strip() for line in log.readlines()[-_LAST_LINES:]]
    return next((line for line in reversed(lines) if line), "it said nothing")[:300]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
