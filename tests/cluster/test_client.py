"""The clients against the chat on a cluster, by every way of connecting."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from graph.client import AsyncChatClient, ChatClient
from graph.errors import NotFound, StepError
from tests.cluster.deployment import GRAPH, NAMESPACE, Deployment
from tests.cluster.harness import HOST_NAME

pytestmark = pytest.mark.cluster

TURNS = (
    ("fr", "Bonjour, je m'appelle Marie."),
    ("fr", "Quelle est la capitale de la France ?"),
    ("en", "And which river flows through it?"),
    ("fr", "Merci. Quel monument faut-il y voir ?"),
    ("en", "Thank you, that was helpful."),
)


def place(
    deployment: Deployment, namespace: str = NAMESPACE, graph: str = ""
) -> tuple[str, str, str, str]:
    """The cluster of the tests, as `ChatClient.cluster` takes it."""
    return namespace, "", graph, str(deployment.cluster.kubectl.kubeconfig)


@pytest.fixture(params=["gateway", "cluster", "named graph"])
def client(request: pytest.FixtureRequest, embedded: Deployment) -> Iterator[ChatClient]:
    """By the gateway's address, and by a forwarded port."""
    if request.param == "gateway":
        made = ChatClient(embedded.cluster.gateway, host=HOST_NAME)
    else:
        graph = GRAPH if request.param == "named graph" else ""
        made = ChatClient.cluster(*place(embedded, graph=graph))
    with made as client:
        yield client


def test_a_conversation_in_two_languages_keeps_its_thread(client: ChatClient) -> None:
    talk = client.conversation()
    for language, text in TURNS:
        reply = talk.say(text)
        assert reply.language == language
        assert reply.response.strip()
    assert len(talk.history) == len(talk.transcript) == 2 * len(TURNS)
    assert talk.transcript[::2] == [text for _, text in TURNS]


@pytest.mark.parametrize("way", ["gateway", "cluster"])
async def test_a_conversation_in_an_event_loop(way: str, embedded: Deployment) -> None:
    if way == "gateway":
        made = AsyncChatClient(embedded.cluster.gateway, host=HOST_NAME)
    else:
        made = await AsyncChatClient.cluster(*place(embedded))
    async with made as client:
        talk = client.conversation()
        languages = [(await talk.say(text)).language for _, text in TURNS[1:3]]
        if way == "cluster":
            [prediction] = await client.predict("chat", [{"user_input": "Hello!"}])
            assert prediction["response"].strip()
    assert languages == ["fr", "en"]


def test_a_predictor_that_no_gateway_leads_to_is_asked_alone(embedded: Deployment) -> None:
    french: dict[str, Any] = {"user_input": "Bonjour !", "language": "fr"}
    with ChatClient.cluster(*place(embedded)) as client:
        [translated] = client.predict("translate-fr-en", [french])
        [answered] = client.predict("chat", [translated])
        with pytest.raises(NotFound, match='no InferenceService "chatt"; did you mean "chat"'):
            client.predict("chatt", [french])
    assert translated["user_input_en"].strip()
    assert answered["response_en"].strip()
    assert [step["name"] for step in answered["steps"]] == ["translate-fr-en", "chat"]


def test_behind_the_gateway_another_host_name_leads_nowhere(embedded: Deployment) -> None:
    with ChatClient(embedded.cluster.gateway) as client:
        with pytest.raises(StepError, match="no route for this host name") as caught:
            client.turn("Hello!")
    assert caught.value.status == 404


def test_what_is_not_there_is_named(embedded: Deployment) -> None:
    with pytest.raises(NotFound, match='namespace "parley-nowhere" has no InferenceService'):
        ChatClient.cluster(*place(embedded, "parley-nowhere"))
    with pytest.raises(NotFound, match="multilingual-chatt"):
        ChatClient.cluster(*place(embedded, graph="multilingual-chatt"))


@pytest.mark.parametrize("way", ["gateway", "cluster"])
def test_the_command_line_talks_to_it(way: str, embedded: Deployment) -> None:
    *_, kubeconfig = place(embedded)
    options = {
        "gateway": ["--url", embedded.cluster.gateway, "--host", HOST_NAME],
        "cluster": ["--cluster", "-n", NAMESPACE, "--kubeconfig", kubeconfig],
    }
    done = subprocess.run(
        [sys.executable, "-m", "graph.cli", "chat", *options[way]],
        input="".join(f"{text}\n" for _, text in TURNS[1:3]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[:4] for line in done.stdout.splitlines() if line.startswith("[")] == [
        "[fr]",
        "[en]",
    ]


def test_tab_offers_the_namespaces_of_the_cluster(embedded: Deployment) -> None:
    *_, kubeconfig = place(embedded)
    pressed = {"_PARLEY_COMPLETE": "complete_bash", "KUBECONFIG": kubeconfig}
    pressed |= {"COMP_WORDS": "parley chat --cluster -n parl", "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-m", "graph.cli"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | pressed,
    )
    assert done.stderr == ""
    assert NAMESPACE in done.stdout.split()
