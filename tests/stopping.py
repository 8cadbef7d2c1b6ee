"""A predictor's process that is stopped or killed while a request is at work in its engine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from tests.processes import Process, free_port, started

# Of processors: the work of a model, and not of one request's reading.
_WORK = 0.3
LONG = {"user_input": "Tell me a very long story.", "request_id": "under-way"}


@dataclass(frozen=True)
class Working:
    """process: the predictor's.  answer: of the request that its engine works on."""

    process: Process
    answer: Future[httpx2.Response]

    def stop(self, then: Callable[[], None] = lambda: None) -> httpx2.Response:
        """The answer of the request, once the process has ended without an error.

        SIGTERM comes while the request is under way; `then` is called after that.
        """
        self.process.send(signal.SIGTERM)
        self.process.wait_for("stopping: 1 requests are under way")
        then()
        answer = self.answer.result()
        assert self.process.wait() == 0, self.process.stderr
        return answer

    def kill(self) -> None:
        self.process.send(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL


@contextmanager
def at_work(
    predictor: str,
    options: Sequence[str],
    instances: Sequence[dict[str, str]] = (LONG,),
    under_way: threading.Event | None = None,
) -> Iterator[Working]:
    """A predictor in a process of its own, whose engine works on `instances`.

    under_way: set when it does; without it, the time of the processor tells.
    """
    port = free_port()
    server = ("-m", f"predictors.{predictor}", "--model_name=it", "--host=127.0.0.1")
    with started(*server, f"--http_port={port}", "--drain_delay=0", *options) as process:
        process.wait_for("it is ready")
        url = f"http://127.0.0.1:{port}/v1/models/it:predict"
        with ThreadPoolExecutor(1) as pool:
            before = process.cpu_seconds
            answer = pool.submit(httpx2.post, url, json={"instances": list(instances)}, timeout=120)
            if under_way is None:
                while not answer.done() and process.cpu_seconds < before + _WORK:
                    os.sched_yield()
            else:
                assert under_way.wait(60)
            yield Working(process, answer)
