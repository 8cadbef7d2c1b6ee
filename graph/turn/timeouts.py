"""How long a turn may take, and how long each part on its way waits: all of one number.

A turn that takes too long must end where it can be told best: at the predictor that is late, which
names itself and answers 504. So each part waits longer than the one that it encloses:

    turn        50 s  the deadline that the first predictor stamps on the turn (`--turn_timeout`)
    predictor   55 s  a predictor's own end of one request (`--request_timeout`), for work that
                      carries no deadline; longer than a turn lasts by the slowest of two clocks.
                      It is also the time that a pod gets to finish what it began
    service     60 s  the router's wait for one predictor (`routerTimeouts.serviceClient`); if it
                      ended first, the person would get a 500 of Go's without a name in it
    router     240 s  the router's whole answer (`serverWrite`): a `service` for each predictor on
                      the way, so that it holds where a service of a graph knows no deadline too.
                      The chart and overlays with more languages make more of it
    gateway    240 s  the HTTPRoute's or the Ingress's wait for the router, which is the same
    client     245 s  `ChatClient`, which waits longest, so that it hears what happened

Tests hold manifests and chart to it. This module only knows the numbers; it waits for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

# How far the clocks of two pods may be apart. A deadline is a time of day, stamped by the clock of
# one pod and read by another's. A clock that is ahead would refuse work that is in time, so each
# reader grants these seconds; one that is behind then works on for up to twice as long (4 s) for a
# turn that is over, which costs a little and harms nobody: every outer part still waits.
CLOCK_SKEW = 2.0
# Between a time-out and the one around it: more than twice the skew, and time to pass an answer on.
MARGIN = 5
# In which the body of a request must have come.
READ = 30
# Whoever keeps a connection for later use must be the one that closes it: a request that meets a
# server's closing is lost, and KServe's router makes a 500 of it. So our servers keep an idle
# connection longer than the router (Go's transport: 90 s) and than Envoy (an hour) do.
KEEP_ALIVE = 3_660
# On the longest way through the graph with one language besides English.
_PREDICTORS = 4


@dataclass(frozen=True)
class TurnTimeouts:
    """The seconds of every part, from those of the turn."""

    turn: int = 50

    @property
    def predictor(self) -> int:
        return self.turn + MARGIN

    @property
    def service(self) -> int:
        return self.predictor + MARGIN

    @property
    def router(self) -> int:
        return _PREDICTORS * self.service

    @property
    def gateway(self) -> int:
        return self.router

    @property
    def client(self) -> int:
        return self.gateway + MARGIN


DEFAULT = TurnTimeouts()
