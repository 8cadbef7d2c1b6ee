"""A steady load of turns, counted: every answer that is not 200 is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.cluster.deployment import Deployment
from tests.cluster.kube import until

TURNS: tuple[dict[str, Any], ...] = (
    {"user_input": "Hello, how are you?"},
    {"user_input": "Bonjour, comment vas-tu ?"},
)


@dataclass
class Load:
    """Asks from `workers` threads until the block ends. ask: one turn; its status and body.

    pause: seconds that each worker waits after an answer.
    """

    ask: Callable[[dict[str, Any]], tuple[int, Any]]
    workers: int = 2
    pause: float = 0.0
    answered: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(self.workers)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until_more(self, turns: int = 4) -> None:
        """Let some turns pass, so that the load is steady before and after."""
        target = self.answered + len(self.failures) + turns
        until(lambda: self.answered + len(self.failures) >= target, f"{turns} turns", 240)

    @property
    def summary(self) -> str:
        return f"{self.answered} turns, {len(self.failures)} failed, slowest {self.slowest:.1f} s"

    def _run(self, number: int) -> None:
        turn = number
        while not self._stop.is_set():
            started = time.monotonic()
            failure = self._try(TURNS[turn % len(TURNS)])
            turn += 1
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - started)
                if failure:
                    self.failures.append(f"{time.strftime('%X')} {failure}")
                else:
                    self.answered += 1
            self._stop.wait(self.pause)

    def _try(self, turn: dict[str, Any]) -> str:
        """What went wrong, or nothing."""
        try:
            status, body = self.ask(turn)
        except httpx2.HTTPError as err:
            return f"{type(err).__name__}: {err}"
        return "" if status == 200 else f"{status} {body}"


def load_on(deployment: Deployment, *, workers: int = 2, pause: float = 0.0) -> Load:
    """A load of turns through the gateway."""

    def ask(turn: dict[str, Any]) -> tuple[int, Any]:
        answer = deployment.ask(turn)
        return answer.status, answer.body

    return Load(ask, workers, pause)
