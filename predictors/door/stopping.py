"""How a predictor's server ends: it says that it drains, and closes when its answers are out."""

from __future__ import annotations

import asyncio
import logging
import signal

from graph.http.server import Server
from predictors.door.middleware import RequestGuard

log = logging.getLogger(__name__)


class Stopping:
    """What each signal does: SIGTERM drains, SIGINT skips the delay, one more hurries."""

    def __init__(self, guard: RequestGuard, server: Server, delay: float) -> None:
        self._guard = guard
        self._server = server
        self._delay = delay

    def handle(self, number: int) -> None:
        if self._server.should_exit:
            log.warning("stopped again: refusing %d requests under way", self._server.under_way)
            self._server.hurry()
        elif self._guard.draining or number == signal.SIGINT or self._delay <= 0:
            self._stop()
        else:
            log.info("draining for %g s", self._delay)
            self._guard.draining = True
            asyncio.get_running_loop().call_later(self._delay, self._stop)

    def _stop(self) -> None:
        """Close connections after their answer, then stop."""
        if not self._server.should_exit:
            log.info("stopping: %d requests are under way", self._server.under_way)
        self._guard.draining = True
        self._server.stop()
