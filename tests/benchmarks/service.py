"""`parley serve` as a process of its own, so that its memory and its time are not the bench's."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_READY = re.compile(r"is ready at (http://\S+)")
_LAST_LINES = 40


class ServiceError(Exception):
    """The service did not start; the message holds its last lines."""


@dataclass(frozen=True)
class Service:
    """url: the graph's.  pid: the process, the only one that it has."""

    url: str
    pid: int

    def predictor(self, name: str) -> str:
        return f"{self.url}/v1/models/{name}:predict"

    def model(self, name: str) -> str:
        """What says whether a predictor is ready."""
        return f"{self.url}/v1/models/{name}"

    @property
    def resident_bytes(self) -> int:
        """Memory that the process holds now."""
        return psutil.Process(self.pid).memory_info().rss

    @property
    def cpu_seconds(self) -> float:
        """Time of processors that the process has used."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system


@contextmanager
def serving(*arguments: str) -> Iterator[Service]:
    """The service, ready. arguments: those of `parley serve`. Raises ServiceError."""
    command = [sys.executable, "-m", "graph.cli", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        yield Service(_wait_for_url(process, lines), process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_for_url(process: subprocess.Popen[str], lines: deque[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if found := _READY.search(line):
            # What it says later is kept from filling the pipe.
            threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True).start()
            return found[1]
    raise ServiceError("the service ended:\n" + "".join(lines))
