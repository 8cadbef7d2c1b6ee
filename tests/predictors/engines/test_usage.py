"""What engines note of the work for a request, for its metrics and its span."""

import pytest

from graph.telemetry.trace_context import within
from predictors.engine import Sampling
from predictors.engines.openai import OpenAI
from predictors.engines.usage import note_usage
from predictors.scheduling.request import Request, working_for

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("answer", "read", "written"),
    [
        ({"usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}, [7], [3]),
        ({"tokens_evaluated": 7, "tokens_predicted": 0}, [7], [0]),
        ({"usage": None, "tokens_evaluated": 7, "tokens_predicted": 3}, [7], [3]),
        ({}, [], []),
        ([], [], []),
        ({"usage": {"prompt_tokens": 7}}, [], []),
        ({"usage": {"prompt_tokens": -7, "completion_tokens": 3}}, [], []),
        ({"usage": {"prompt_tokens": "7", "completion_tokens": 3}}, [], []),
        ({"usage": {"prompt_tokens": 7.5, "completion_tokens": True}}, [], []),
        ({"usage": {"prompt_tokens": 10**30, "completion_tokens": 3}}, [], []),
    ],
)
def test_tokens_are_noted_as_a_server_tells_them_where_it_tells_sense(answer, read, written):
    request = Request("chat")
    with working_for(request):
        note_usage(answer)
    assert (request.spent.read, request.spent.written) == (read, written)


async def test_another_server_gets_the_trace_and_its_tokens_and_queue_are_noted(server):
    engine = OpenAI(server.url, "llama", parallel=1)
    engine.load()
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    server.answers = [(200, {"choices": [{"text": "Salut."}], "usage": usage})] * 2
    request = Request("chat")
    with working_for(request), within(TRACEPARENT):
        assert await engine.generate(["Hi", "Ho"], Sampling()) == ["Salut."] * 2
    assert [headers.get("traceparent") for headers in server.headers] == [TRACEPARENT] * 2
    spent = request.spent
    assert (spent.read, spent.written, spent.batches) == ([5, 5], [2, 2], [1, 1])
    assert len(spent.waited) == 2
    server.answers = [(200, {"choices": [{"text": "Salut."}]})]
    await engine.generate(["Hi"], Sampling())
    assert server.headers[-1].get("traceparent") is None
    engine.close()
