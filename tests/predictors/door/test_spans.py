"""The span of a predictor that is called alone, or with turns of several traces."""

import os

import httpx2
import pytest

from predictors.detector.model import Detector
from tests.otlp import Collector, Pods
from tests.predictors.door.waiting import loaded

TRACES = ["4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"]
SPAN = "00f067aa0ba902b7"
TRACEPARENTS = [f"00-{trace}-{SPAN}-01" for trace in TRACES]
TURN = {"user_input": "Bonjour", "language": "fr"}


@pytest.fixture
def asked(serve_app, monkeypatch):
    """Asks a detector that makes spans; gives the predictions and the only span."""
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", serve_app(collector))
    pods = Pods([loaded(Detector("detector", ("en", "fr"), "en"))], dict(os.environ))

    async def ask(*turns, **headers):
        transport = httpx2.ASGITransport(pods.apps["detector"])
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            path = "/v1/models/detector:predict"
            body = {"instances": list(turns)}
            answer = (await client.post(path, json=body, headers=headers)).json()
        pods.flush()
        [span] = collector.spans
        return answer["predictions"], span

    return ask


async def test_the_header_of_a_request_is_taken_and_given_to_its_turns(asked):
    predictions, span = await asked(TURN, traceparent=TRACEPARENTS[0])
    assert (span.trace, span.parent) == (TRACES[0], SPAN)
    assert [turn["traceparent"] for turn in predictions] == [TRACEPARENTS[0]]


async def test_the_turns_own_trace_counts_more_than_the_header(asked):
    turn = TURN | {"traceparent": TRACEPARENTS[1]}
    predictions, span = await asked(turn, traceparent=TRACEPARENTS[0])
    assert (span.trace, span.links) == (TRACES[1], [])
    assert predictions[0]["traceparent"] == TRACEPARENTS[1]


async def test_a_request_of_several_traces_is_a_span_of_the_first_and_is_linked_to_the_others(
    asked,
):
    turns = [TURN | {"traceparent": each} for each in TRACEPARENTS] + [TURN]
    predictions, span = await asked(*turns)
    assert (span.trace, span.links) == (TRACES[0], [TRACES[1]])
    assert span.attributes["parley.turns"] == 3
    carried = [turn["traceparent"] for turn in predictions]
    assert carried == [*TRACEPARENTS, TRACEPARENTS[0]]


async def test_without_any_the_request_begins_one(asked):
    [turn], span = await asked(TURN)
    assert turn["traceparent"].split("-")[1:3] == [span.trace, span.span]
