"""What the gateway does before a request reaches the router, by manifests/components/edge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from graph.turn.limits import PUBLIC_LIMITS
from tests.cluster.connections import listener
from tests.cluster.deployment import GRAPH, Deployment, selector
from tests.cluster.edge import RawClient, ask, edge, gateway_service, put
from tests.cluster.harness import HOST_NAME
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster

KEY = {"x-api-key": "a-key-of-the-test"}
# One request over it is refused; KServe's router would read 200 MB into 256 MiB of memory.
HUGE = 200_000_000


@pytest.fixture(scope="module")
def keys(deployment: Deployment) -> Iterator[Deployment]:
    """Limits of body, time and rate, and a key that every client needs."""
    deployment.ensure("overlays/embedded")
    put(deployment, "Secret", "multilingual-chat-api-keys", stringData={"tester": KEY["x-api-key"]})
    with edge(deployment, "keys"):
        until(lambda: ask(deployment).status_code == 401, "a refusal without a key", 60)
        yield deployment


@pytest.fixture(scope="module")
def slow_sender(keys: Deployment) -> Iterator[Future[int]]:
    """The status of a request whose body never comes whole; it ends beside the tests."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit(raw(keys).status_of, body=1000, sent=10)


@pytest.mark.usefixtures("slow_sender")
def test_without_a_key_a_turn_is_refused_and_with_one_it_is_answered(keys: Deployment) -> None:
    assert ask(keys).status_code == 401
    assert ask(keys, {"x-api-key": "another"}).status_code == 401
    assert ask(keys, KEY).status_code == 200


@pytest.mark.usefixtures("slow_sender")
def test_a_body_of_200_mb_is_refused_and_the_router_lives_on(keys: Deployment) -> None:
    before = restarts(keys)
    with ThreadPoolExecutor() as pool:
        refused = pool.submit(raw(keys).status_of, body=HUGE)
        while not refused.done():
            assert ask(keys, KEY).status_code == 200
    assert refused.result() == 413
    assert restarts(keys) == before
    assert ask(keys, KEY).status_code == 200


def test_the_largest_body_that_the_code_takes_passes_and_one_byte_more_does_not(
    keys: Deployment,
) -> None:
    """The router passes zeros on, and the detector refuses them as no JSON object."""
    assert raw(keys).status_of(body=PUBLIC_LIMITS.body) == 400
    assert raw(keys).status_of(body=PUBLIC_LIMITS.body + 1) == 413


def test_too_many_headers_and_too_long_ones_are_refused(keys: Deployment) -> None:
    assert raw(keys).status_of(*(f"a{number}: b" for number in range(101))) == 431
    assert raw(keys).status_of(f"a: {'b' * (64 << 10)}") == 431


def test_a_client_that_asks_too_often_is_refused_and_another_one_is_not(keys: Deployment) -> None:
    def refused() -> bool:
        return raw(keys).status_of() == 429

    until(refused, "a refusal of a client that asks without end", 30, pause=0)
    assert status_from_a_pod(keys) == 400


def test_a_slow_sender_is_cut_off(slow_sender: Future[int]) -> None:
    assert slow_sender.result() == 408


def raw(deployment: Deployment) -> RawClient:
    url = httpx2.URL(deployment.cluster.gateway)
    return RawClient((url.host, url.port or 80), tuple(f"{k}: {v}" for k, v in KEY.items()))


def restarts(deployment: Deployment) -> list[tuple[str, int]]:
    """The router's pods and how often each was started again."""
    return [
        (pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in deployment.pods(selector(GRAPH))
    ]


def status_from_a_pod(deployment: Deployment) -> int:
    """The status of an empty body that another client sends: a pod, with an address of its own."""
    service = gateway_service(deployment, "kserve-ingress-gateway", "kserve")["spec"]
    url = f"http://{service['clusterIP']}:{service['ports'][0]['port']}"
    script = (
        "import http.client, sys; "
        f"c = http.client.HTTPConnection({url.removeprefix('http://')!r}, timeout=30); "
        f"c.request('POST', '/', b'', { ({'Host': HOST_NAME} | KEY)!r}); "
        "print(c.getresponse().status)"
    )
    with client_outside(deployment) as pod:
        inside = ("exec", pod, "-n", "default", "--", "python", "-c", script)
        return int(deployment.kubectl(*inside))


@contextmanager
def client_outside(deployment: Deployment) -> Iterator[str]:
    """A pod of another namespace; those of the project reach no gateway."""
    kubectl, name = deployment.kubectl, "client"
    image = deployment.pods(selector("detector"))[0]["spec"]["containers"][0]["image"]
    kubectl.apply(json.dumps(listener(name, image)), "-n", "default")
    try:
        kubectl.wait(f"pod/{name}", "condition=Ready", "default")
        yield name
    finally:
        kubectl("delete", "pod", name, "-n", "default", "--now")
