"""Processes that tests start, look into and stop, without a sleep."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest


class Process:
    """A Python process whose stderr is read as it comes."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background job ignores Ctrl-C, and so would all that it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._ended = False

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line of stderr in which the pattern is found."""
        with self._changed:
            seen = 0
            while True:
                for line in self._lines[seen:]:
                    if match := re.search(pattern, line):
                        return match
                seen = len(self._lines)
                if self._ended:
                    pytest.fail(f"the process ended; it said {self._lines}")
                self._changed.wait()

    def wait_until_mapped(self, library: str) -> None:
        """Until the process has loaded a library whose path holds this text, or has ended."""
        while library not in self._proc("maps") and self._process.poll() is None:
            os.sched_yield()

    def wait_until_caught(self, caught: bool) -> None:
        """Until the process handles SIGINT itself, or leaves it to end the process."""
        while self._process.poll() is None:
            status = self._proc("status")
            mask = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
            if mask and bool(int(mask[1], 16) & 1 << (signal.SIGINT - 1)) is caught:
                return
            os.sched_yield()

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code; the signal's negative number where one ended the process."""
        code = self._process.wait(timeout=120)
        self._reader.join()
        return code

    @property
    def cpu_seconds(self) -> float:
        """Time of processors that it has used."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    @property
    def stderr(self) -> str:
        return "".join(self._lines)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _proc(self, name: str) -> str:
        try:
            return Path(f"/proc/{self._process.pid}/{name}").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_unheard(*arguments: str) -> int:
    """The exit code of a process that gets SIGTERM once it is ready and nobody reads its stderr."""
    with subprocess.Popen(
        [sys.executable, *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert any("ready" in line for line in process.stderr)
            process.stderr.close()
            process.send_signal(signal.SIGTERM)
            return process.wait(60)
        finally:
            process.kill()


@contextmanager
def started(*arguments: str) -> Iterator[Process]:
    process = Process(arguments)
    try:
        yield process
    finally:
        process.close()
