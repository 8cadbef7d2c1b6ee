"""Where the time of an engine goes, by the samples of `perf`, which reads no counters here."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.reached import Spent
from tests.benchmarks.systems import ROOT
from tests.benchmarks.weights.searches import BEAMS
from tests.benchmarks.weights.store import Weights

_SECONDS = 3.0
_WAIT_SECONDS = 60.0
# What stands in a line of perf, and what that is; the first that fits counts.
_KINDS = (
    (r"\[JIT\]|//anon|dnnl::|mkl_|cblas|sgemm|gemm", "matrix products"),
    (r"[Qq]uantize|compensation", "int8 from and to floating point"),
    (r"libctranslate2", "attention, norms, search"),
    (r"mem(move|cpy|set)", "copying"),
    (r"kernel", "the kernel: pages and threads"),
)
_OTHER = "Python, tokens and the rest"
_LINE = re.compile(r"^\s*([0-9.]+)%\s+(.+)$")


class NoProfile(Exception):
    """perf is not here or may not be used; one line."""


def profile(weights: Weights, asked: Iterable[tuple[str, str, int]]) -> list[Spent]:
    """asked: family, search and texts at once. Raises NoProfile."""
    if shutil.which("perf") is None:
        raise NoProfile("perf is not installed")
    return [spent for each in asked for spent in _of_engine(weights, *each)]


def _of_engine(weights: Weights, family: str, search: str, batch: int) -> Iterator[Spent]:
    texts = weights.french if family == "marian" else weights.english
    job = {"texts": texts, "clients": batch, "seconds": _SECONDS, "ramp": 1.0, "most": 1_000_000}
    with TemporaryDirectory() as folder, _engine(weights.converted[search][family], family) as run:
        file = Path(folder) / "perf.data"
        with _sampling(run.pid, file):
            assert run.stdin is not None and run.stdout is not None
            print(json.dumps(job), file=run.stdin, flush=True)
            run.stdout.readline()
        shares = shares_of(_report(file))
    for where, share in sorted(shares.items(), key=lambda each: -each[1]):
        yield Spent(family, search, batch, where, round(share, 4))


@contextmanager
def _engine(folder: str, family: str) -> Iterator[subprocess.Popen[str]]:
    """An engine that is ready for jobs."""
    command = [sys.executable, "-m", "tests.benchmarks.engines_alone", f"{family}={folder}"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _sampling(pid: int, file: Path) -> Iterator[None]:
    """Raises NoProfile."""
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "499", "-p", str(pid)]
    perf = subprocess.Popen([*command, "-o", str(file)], stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        perf.send_signal(signal.SIGINT)
        _, errors = perf.communicate(timeout=_WAIT_SECONDS)
    if not file.exists() or not file.stat().st_size:
        raise NoProfile(f"perf: {(errors.strip().splitlines() or ['no samples'])[0]}")


def _report(file: Path) -> str:
    command = ["perf", "report", "-i", str(file), "--stdio", "--sort", "dso,sym"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoProfile(f"perf report: {done.stderr.strip()[:200]}")
    return done.stdout


def shares_of(report: str) -> dict[str, float]:
    """The parts (0..1) of what perf counted, by what was done."""
    found: dict[str, float] = {}
    for line in report.splitlines():
        if match := _LINE.match(line):
            kind = next((name for part, name in _KINDS if re.search(part, match[2])), _OTHER)
            found[kind] = found.get(kind, 0.0) + float(match[1])
    whole = sum(found.values())
    return {kind: part / whole for kind, part in found.items()}


# By family: few texts at once and many.
USUAL = tuple((family, "beams", batch) for family in BEAMS for batch in (1, 8))
