"""A program of jobs: it answers batches of texts in its own process, without a server.

One line of JSON comes for each job, and one goes back: see `tests.benchmarks.jobs`, which this
reads and writes without importing it, because the environments of peers have no Parley.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Answer = Callable[[Sequence[str]], list[str]]


def serve_jobs(answer: Answer) -> None:
    """Take jobs from stdin until it ends. A batch has as many texts as the job has clients."""
    out, sys.stdout = sys.stdout, sys.stderr
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line), answer)), file=out, flush=True)


def _run(job: dict[str, Any], answer: Answer) -> dict[str, Any]:
    texts, size = job["texts"], job["clients"]
    answers: dict[str, str] = {}
    seconds: list[float] = []
    if job["ramp"]:
        answer(texts[:1])
    began = time.monotonic()
    while time.monotonic() < began + job["seconds"] and len(seconds) < job["most"]:
        asked = [texts[(len(seconds) + i) % len(texts)] for i in range(size)]
        started = time.monotonic()
        found = answer(asked)
        seconds += [time.monotonic() - started] * size
        answers |= dict(zip(asked, found, strict=True))
    wall = time.monotonic() - began
    return {"seconds": seconds, "wall": wall, "window": wall, "answers": answers}
