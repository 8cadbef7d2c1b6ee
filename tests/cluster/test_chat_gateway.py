"""The gateway on the cluster, through the ingress gateway: people talk while pods come and go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from graph.cluster.wait import wait
from tests.cluster import strangers
from tests.cluster.deployment import GRAPH, NAMESPACE, Deployment, selector
from tests.cluster.kube import KubectlError, until
from tests.cluster.load import Load
from tests.cluster.streams import GATEWAY, OVERLAY, PODS, Stream, gateway, page_of, talk

pytestmark = pytest.mark.cluster

FRENCH = "Bonjour ! Raconte-moi l'histoire d'un chat et d'un chien, en plusieurs phrases."
THANKS = "Merci ! Et comment s'appelle le chat ?"
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def open_gateway(deployment: Deployment) -> Iterator[Deployment]:
    with gateway(deployment) as answering:
        yield answering


def test_a_french_conversation_streams_through_the_ingress_gateway(
    open_gateway: Deployment, record_property: Record
) -> None:
    """The first words come in a part of the network's before that of the last ones."""
    stream = talk(open_gateway, FRENCH)
    assert stream.is_whole, stream.events
    assert stream.parley["language"] == "fr"
    assert len(stream.words) > 1, stream.words
    assert stream.events[-1] not in stream.parts[0]
    record_property("parts of a French answer", len(stream.words))
    again = talk(open_gateway, FRENCH, "".join(stream.words), THANKS)
    assert again.is_whole and again.parley["language"] == "fr"
    assert "".join(again.words).strip()


def test_the_page_and_the_api_are_let_in_and_nothing_else(open_gateway: Deployment) -> None:
    page = page_of(open_gateway, "/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page_of(open_gateway, f"/v1/models/{GRAPH}").json()["id"] == GRAPH
    for path in ("/livez", "/readyz", "/metrics", "/other"):
        assert page_of(open_gateway, path).status_code == 404, path
    # The graph's own door is as it was.
    assert open_gateway.ask({"user_input": "Hello"}).status == 200


def test_the_gateway_is_seen_by_status_and_waited_for(open_gateway: Deployment) -> None:
    with strangers.connect(open_gateway.cluster, NAMESPACE) as connected:
        status = wait(connected, [GRAPH], 120)
    found = [part for part in status.applications[0].parts if part.name == GATEWAY]
    assert [part.kind for part in found] == ["Deployment", "HTTPRoute", "Ingress"]
    assert status.ready


@pytest.mark.parametrize(
    ("verb", "resource", "may"),
    [
        ("watch", "inferencegraphs.serving.kserve.io", True),
        ("list", "inferenceservices.serving.kserve.io", True),
        ("patch", "inferencegraphs.serving.kserve.io", False),
        ("list", "secrets", False),
        ("list", "pods", False),
    ],
)
def test_its_account_may_watch_the_graph_and_nothing_else(
    verb: str, resource: str, may: bool, open_gateway: Deployment
) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:{GATEWAY}"
    ask = ("auth", "can-i", verb, resource, "-n", NAMESPACE, account)
    if may:
        assert open_gateway.kubectl(*ask).strip() == "yes"
    else:
        # kubectl ends with 1 where the answer is no.
        with pytest.raises(KubectlError):
            open_gateway.kubectl(*ask)


def test_a_change_of_the_graph_needs_no_restart(open_gateway: Deployment) -> None:
    """A branch whose last translator is taken out answers in English."""
    kubectl = open_gateway.kubectl
    before = starts(open_gateway)
    assert names_of(talk(open_gateway, FRENCH))[-1] == "translate-en-fr"
    change = json.dumps([{"op": "remove", "path": "/spec/nodes/fr/steps/2"}])
    kubectl("patch", "inferencegraph", GRAPH, "-n", NAMESPACE, "--type=json", "-p", change)
    until(lambda: names_of(talk(open_gateway, FRENCH))[-1] == "chat", "the shorter way", 60)
    open_gateway.apply(OVERLAY)
    until(
        lambda: names_of(talk(open_gateway, FRENCH))[-1] == "translate-en-fr",
        "the way as it was",
        60,
    )
    assert starts(open_gateway) == before


CHAT_IS_OTHER = {"spec": {"predictor": {"annotations": {"of-a-test": "rolled"}}}}


def roll_chat(deployment: Deployment) -> None:
    """By its InferenceService, because KServe takes a change of its Deployment back."""
    change = ("--type=merge", "-p", json.dumps(CHAT_IS_OTHER))
    deployment.kubectl("patch", "inferenceservice", "chat", "-n", NAMESPACE, *change)


def roll_gateway(deployment: Deployment) -> None:
    deployment.kubectl("rollout", "restart", f"deployment/{GATEWAY}", "-n", NAMESPACE)


@pytest.mark.parametrize(
    ("roll", "pods"), [(roll_chat, selector("chat")), (roll_gateway, PODS)], ids=["chat", GATEWAY]
)
def test_what_is_rolled_under_load_breaks_no_stream_without_an_error_event(
    roll: Callable[[Deployment], None],
    pods: str,
    open_gateway: Deployment,
    record_property: Record,
) -> None:
    """A stream ends whole or tells an error; when the new pod is there, streams are whole."""
    told: list[Any] = []

    def stream(turn: dict[str, Any]) -> tuple[int, Any]:
        heard = talk(open_gateway, turn["user_input"])
        if heard.is_whole:
            return 200, ""
        told.extend(heard.errors)
        return (200 if heard.errors else 0), heard.events[-1:]

    def is_rolled() -> bool:
        live = {pod["metadata"]["name"] for pod in open_gateway.pods(pods)}
        return bool(live) and not live & before and live == set(open_gateway.ready_pods(pods))

    before = set(open_gateway.ready_pods(pods))
    with Load(stream) as load:
        load.until_more()
        roll(open_gateway)
        until(is_rolled, f"new pods of {pods}", 240)
        load.until_more()
    record_property(f"streams while {pods} is rolled", f"{load.summary}, {len(told)} told")
    assert not load.failures
    assert talk(open_gateway, FRENCH).is_whole


def test_without_any_chat_a_stream_tells_the_error_and_the_next_ones_work(
    open_gateway: Deployment,
) -> None:
    kubectl = open_gateway.kubectl

    def scale(replicas: int) -> None:
        kubectl("scale", "deployment/chat-predictor", "-n", NAMESPACE, f"--replicas={replicas}")

    scale(0)
    until(lambda: not kubectl.list("pods", NAMESPACE, selector("chat")), "no chat", 120)
    refused = talk(open_gateway, FRENCH)
    assert refused.errors and not refused.is_whole, refused.events
    scale(1)
    until(lambda: talk(open_gateway, FRENCH).is_whole, "an answer again", 180)


def starts(deployment: Deployment) -> dict[str, int]:
    """How often each of the gateway's pods was started again."""
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in deployment.pods(PODS)
    }


def names_of(stream: Stream) -> list[str]:
    assert stream.is_whole, stream.events
    return [step["name"] for step in stream.parley["steps"]]
