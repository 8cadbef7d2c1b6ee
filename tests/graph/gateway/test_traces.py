"""One turn is one trace over all pods: what a collector of OpenTelemetry's receives of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from graph.gateway.app import GatewayApp
from graph.gateway.chat import http_chat
from graph.gateway.gateway import Gateway
from graph.gateway.histories import Histories
from graph.router.transport import http_call
from graph.telemetry.telemetry import Telemetry
from graph.telemetry.tracing import read_tracing
from tests.graph.gateway.playing import Gate, Writes, local_graph
from tests.graph.gateway.test_app import ASKED, FRENCH
from tests.otlp import Collector, Pods, Seen

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
REPLY = "One is here. Two is there."
Serve = Callable[[Any], str]


@dataclass
class Cluster:
    """A gateway and predictors, each on a port of its own, and the collector of all."""

    collector: Collector
    pods: Pods
    urls: dict[str, str]
    gate: Gate

    async def say(self, body: dict[str, Any], **headers: str) -> httpx2.Response:
        """One completion; the spans are with the collector when it returns."""
        tracing = read_tracing(os.environ, "chat-gateway")
        async with http_call(self.urls) as call, http_chat(self.urls) as ask_chat:
            gateway = Gateway.of(
                self.gate.local.graph, self.gate.local.services, call, ask_chat, Histories()
            )
            app = GatewayApp(gateway, telemetry=Telemetry(tracing=tracing))
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
                answer = await client.post("/v1/chat/completions", json=body, headers=headers)
        tracing.close()
        self.pods.flush()
        return answer

    def span(self, service: str) -> Seen:
        [found] = [span for span in self.collector.spans if span.service == service]
        return found


@pytest.fixture
def cluster(serve_app: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    yield make_cluster(serve_app, monkeypatch, Writes(lambda text: REPLY))


def make_cluster(serve_app: Serve, monkeypatch: pytest.MonkeyPatch, engine: Writes) -> Cluster:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", serve_app(collector))
    gate = Gate(local_graph(engine))
    pods = Pods(list(gate.local.handlers.values()), dict(os.environ))
    urls = {n: f"{serve_app(app)}/v1/models/{n}:predict" for n, app in pods.apps.items()}
    return Cluster(collector, pods, urls, gate)


async def test_a_turn_is_one_trace_under_the_clients_own_span(cluster: Cluster) -> None:
    answer = await cluster.say(ASKED | {"stream": True}, traceparent=TRACEPARENT)
    assert answer.status_code == 200
    spans = cluster.collector.spans
    gateway = cluster.span("chat-gateway")
    assert {span.trace for span in spans} == {TRACE}
    assert (gateway.name, gateway.parent) == ("gateway turn", PARENT)
    # One for each step, and the last one for each of two sentences.
    others = sorted(span.service for span in spans if span is not gateway and span != gateway)
    assert others == ["chat", "detector", "translate-en-fr", "translate-en-fr", "translate-fr-en"]
    assert {span.parent for span in spans if span != gateway} == {gateway.span}


async def test_without_a_client_that_traces_the_gateway_begins_the_trace(cluster: Cluster) -> None:
    await cluster.say(ASKED, traceparent="00-not-a-trace")
    gateway = cluster.span("chat-gateway")
    assert gateway.parent == ""
    assert {span.trace for span in cluster.collector.spans} == {gateway.trace}


async def test_spans_tell_of_language_model_and_tokens_and_never_a_text(cluster: Cluster) -> None:
    await cluster.say(ASKED, x_request_id="turn-7")
    gateway, chat = cluster.span("chat-gateway"), cluster.span("chat")
    assert gateway.attributes["parley.language"] == chat.attributes["parley.language"] == "fr"
    assert gateway.attributes["gen_ai.request.model"] == "multilingual-chat"
    assert chat.attributes["gen_ai.request.model"] == "fake"
    for span in (gateway, chat):
        assert span.attributes["gen_ai.usage.output_tokens"] == 6
    raw = b"".join(cluster.collector.bodies)
    for words in (*FRENCH.split(), *REPLY.split()):
        assert len(words) < 4 or words.encode() not in raw, words


async def test_what_fails_is_an_error_without_its_words(
    serve_app: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> str:
        raise RuntimeError(f"cannot answer {text}")

    cluster = make_cluster(serve_app, monkeypatch, Writes(fail))
    assert (await cluster.say(ASKED)).status_code == 500
    chat, gateway = cluster.span("chat"), cluster.span("chat-gateway")
    assert chat.is_error and gateway.is_error
    assert chat.attributes["error.type"] == "ParleyError"
    assert b"cannot answer" not in b"".join(cluster.collector.bodies)


async def test_what_a_person_did_wrong_is_no_error(cluster: Cluster) -> None:
    assert (await cluster.say(ASKED | {"parley": {"language": "xx"}})).status_code == 400
    detector = cluster.span("detector")
    assert (detector.is_error, detector.attributes["error.type"]) == (False, "RequestError")


async def test_messages_that_were_forgotten_are_translated_in_the_same_trace(
    cluster: Cluster,
) -> None:
    answer = {"role": "assistant", "content": "Salut."}
    later = [*ASKED["messages"], answer, {"role": "user", "content": FRENCH}]
    await cluster.say(ASKED | {"messages": later}, traceparent=TRACEPARENT)
    detectors = [span for span in cluster.collector.spans if span.service == "detector"]
    assert [span.trace for span in detectors] == [TRACE, TRACE]
    assert sorted(span.attributes["parley.turns"] for span in detectors) == [1, 2]


async def test_a_span_that_the_client_does_not_sample_is_not_sent(cluster: Cluster) -> None:
    await cluster.say(ASKED, traceparent=TRACEPARENT[:-2] + "00")
    assert cluster.collector.bodies == []
