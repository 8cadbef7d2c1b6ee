"""Faults of the network between the router and its predictors, on the embedded models.

Whatever happens there, a person gets the right answer, one that says what is missing, or a clear
error, and none of it after the turn's own time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
import pytest

from graph.asgi import Answer, App
from graph.local.build import LocalGraph, build, read_file
from graph.router.app import graph_app, limits_of
from graph.router.transport import http_call
from graph.router.walk import Headers, route
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app
from tests.conftest import served
from tests.proxy import NONE, Fault, Proxy, proxied

pytestmark = [pytest.mark.models, pytest.mark.slow]

SERVICES = ("detector", "translate-fr-en", "chat", "translate-en-fr")
MESSAGE = "Bonjour, comment vas-tu ?"
# Seconds of a turn. A healthy one takes a tenth of that on an idle machine.
TURN = 30.0
SLOW = {"late": Fault(delay=0.3), "slow": Fault(piece=64, pause=0.02)}
BROKEN = {"reset before the answer": Fault(cut=0), "reset within the answer": Fault(cut=40)}


@dataclass(frozen=True)
class Network:
    """url: the graph's.  proxies: the way to each service.  right: the undisturbed answer."""

    url: str
    proxies: Mapping[str, Proxy]
    right: str

    def say(self, timeout: float = TURN) -> httpx2.Response:
        return say(self.url, timeout)


def say(url: str, timeout: float) -> httpx2.Response:
    instance = {"user_input": MESSAGE, "language": "fr", "timeout": timeout}
    return httpx2.post(url, json={"instances": [instance]}, timeout=timeout)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """The predictors on one port, a proxy for each service, and the router on another port."""
    local = build(read_file(""), "embedded.yaml")
    local.load()
    handlers = list(local.handlers.values())
    with ExitStack() as stack:
        stack.callback(local.close)
        predictors = stack.enter_context(served(RequestGuard(build_app(handlers), handlers)))
        port = int(predictors.rpartition(":")[2])
        proxies = {name: stack.enter_context(proxied(port)) for name in SERVICES}
        router = stack.enter_context(served(_router(local, proxies)))
        yield Network(router, proxies, say(router, TURN).json()["predictions"][0]["response"])


@pytest.fixture(autouse=True)
def undisturbed(network: Network) -> Iterator[None]:
    yield
    for proxy in network.proxies.values():
        proxy.set(NONE)


@pytest.mark.parametrize("fault", SLOW)
@pytest.mark.parametrize("service", SERVICES)
def test_a_slow_network_changes_no_answer(service: str, fault: str, network: Network) -> None:
    network.proxies[service].set(SLOW[fault])
    answer = network.say()
    assert answer.status_code == 200
    assert answer.json()["predictions"][0]["response"] == network.right


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("service", SERVICES)
def test_a_broken_connection_is_a_clear_error_and_does_no_lasting_harm(
    service: str, fault: str, network: Network
) -> None:
    network.proxies[service].set(BROKEN[fault])
    answer = network.say()
    assert answer.status_code in (500, 502, 503, 504)
    assert f"/v1/models/{service}:predict" in answer.json()["cause"]
    network.proxies[service].set(NONE)
    assert network.say().json()["predictions"][0]["response"] == network.right


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_falls_silent_holds_nobody_past_the_turns_time(
    service: str, network: Network
) -> None:
    network.proxies[service].set(Fault(silent=True))
    with pytest.raises(httpx2.TimeoutException):
        network.say(timeout=1.5)
    network.proxies[service].set(NONE)
    assert network.say().json()["predictions"][0]["response"] == network.right


@pytest.mark.parametrize("before", SERVICES[:-1])
def test_a_turn_that_comes_late_to_a_step_is_refused_there(before: str, network: Network) -> None:
    """The step before spent the turn's time, and 2 s more by which two pods' clocks may differ."""
    network.proxies[before].set(Fault(delay=4.0))
    instance = {"user_input": MESSAGE, "language": "fr", "timeout": 1.0}
    answer = httpx2.post(network.url, json={"instances": [instance]}, timeout=TURN)
    if answer.status_code == 200:
        assert answer.json()["predictions"][0]["degraded"]
    else:
        assert answer.status_code == 504


def _router(local: LocalGraph, proxies: Mapping[str, Proxy]) -> App:
    """KServe's router as we have it, which calls each service through its proxy."""
    urls = {
        name: f"http://127.0.0.1:{proxy.port}/v1/models/{name}:predict"
        for name, proxy in proxies.items()
    }

    async def walk(body: bytes, headers: Headers) -> Answer:
        async with http_call(urls, local.graph.timeouts.service_client) as call:
            return await route(local.graph, body, headers, call)

    return graph_app(walk, limits_of(local.graph.timeouts))
