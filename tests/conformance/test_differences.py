"""The table of differences in `graph/README.md`: one test for each row, named after it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

import graph.router.transport
from graph.asgi import Answer
from graph.golang.json import MAX_DEPTH as JSON_DEPTH
from graph.router.app import ServerLimits
from graph.router.conditions import exists
from graph.router.mapping import map_predictions_to_instances
from graph.router.transport import http_call
from graph.router.walk import MAX_DEPTH, route
from graph.spec.model import Graph, Node, RouterType, Step
from tests.conformance.bench import Bench
from tests.conformance.exchange import Job, Reply, Request
from tests.conformance.live import ask, live_graph

README = Path(__file__).parents[2] / "graph" / "README.md"
ONE_STEP = {"root": {"routerType": "Sequence", "steps": [{"serviceUrl": "http://$service/a"}]}}

EMPTY, REQUEST = Reply(), Request()


def job_of(nodes: dict[str, Any], reply: Reply = EMPTY, request: Request = REQUEST) -> Job:
    """One request to a graph whose service `a` answers with `reply`."""
    return Job(nodes, {"a": (reply,)}, (request,))


def test_every_row_of_the_table_has_its_test() -> None:
    section = README.read_text(encoding="utf-8").partition("## Where it differs")[2]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.MULTILINE)
    tests = {name.removeprefix("test_difference_") for name in globals()}
    assert len(rows) > 10
    assert [row for row in rows if row.replace("-", "_") not in tests] == []


def test_difference_no_status(bench: Bench) -> None:
    job = job_of({"root": {"routerType": "Sequence"}})
    (ours,) = bench.ours.run(job)
    assert (ours.status, b"neither status nor body" in ours.body) == (500, True)
    assert bench.run_kserve(job)[0].status == 0


async def test_difference_cycle() -> None:
    step = Step(node_name="root")
    graph = Graph("g", {"root": Node(RouterType.SEQUENCE, (step,))})
    answer = await route(graph, b"{}", (), refuse)
    assert (answer.status, f"over {MAX_DEPTH} times" in answer.body.decode()) == (500, True)


async def test_difference_body_limit() -> None:
    async with live_graph(ONE_STEP, {"a": Reply(body=b"{}")}, ServerLimits(body=10)) as live:
        assert (await ask(live.port, b"x" * 10))[0] == 200
        status, body = await ask(live.port, b"x" * 11)
    assert (status, b"at most 10 are taken" in body) == (413, True)


async def test_difference_answer_limit(monkeypatch: Any) -> None:
    monkeypatch.setattr(graph.router.transport, "MAX_ANSWER", 10)
    async with live_graph(ONE_STEP, {"a": Reply(body=b"x" * 11)}) as live:
        status, body = await ask(live.port, b"{}")
    assert (status, b"the answer is over 10 bytes" in body) == (500, True)


async def test_difference_late_request() -> None:
    async with live_graph(ONE_STEP, {"a": Reply(body=b"{}")}, ServerLimits(read=0.05)) as live:
        status, body = await ask(live.port, b"{", promise=2)
        assert (status, b"serverRead" in body, live.service.calls) == (408, True, [])


async def test_difference_late_answer(bench: Bench) -> None:
    slow = {"a": Reply(body=b"{}", delay=5)}
    async with live_graph(ONE_STEP, slow, ServerLimits(answer=0.05)) as live:
        status, body = await ask(live.port, b"{}")
    assert (status, b"serverWrite" in body) == (504, True)
    job = Job(ONE_STEP, {"a": (Reply(delay=1.3),)}, (Request(),), {"serverWrite": 1})
    assert bench.run_kserve(job)[0].status == 0


async def test_difference_client_gone() -> None:
    nodes = {
        "root": {
            "routerType": "Sequence",
            "steps": [{"serviceUrl": "http://$service/a"}, {"serviceUrl": "http://$service/b"}],
        }
    }
    replies = {"a": Reply(body=b"{}", delay=0.2), "b": Reply(body=b"{}")}
    async with live_graph(nodes, replies) as live:
        _, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await live.called("a")
        writer.close()
        # Another request, later and through the same services, is served: the first one ended.
        assert await ask(live.port, b"{}") == (200, b"{}")
        assert [call.service for call in live.service.calls] == ["a", "a", "b"]


def test_difference_ensemble_cancel(bench: Bench) -> None:
    slow = [{"serviceUrl": "http://$service/a"}, {"serviceUrl": "http://$service/b"}]
    nodes = {
        "root": {"routerType": "Ensemble", "steps": [{"nodeName": "bad"}, {"nodeName": "slow"}]},
        "bad": {"routerType": "Sequence", "steps": [{"serviceUrl": "http://$refused/x"}]},
        "slow": {"routerType": "Sequence", "steps": slow},
    }
    job = job_of(nodes, Reply(body=b"{}"))
    (ours,) = bench.ours.run(job)
    assert ours.status == 500
    assert "b" not in [call.service for call in ours.calls]
    assert [call.service for call in bench.run_kserve(job)[0].calls] == ["a", "b"]


async def test_difference_json_depth() -> None:
    def nested(levels: int) -> bytes:
        return b'{"predictions":' + b"[" * levels + b"]" * levels + b"}"

    assert map_predictions_to_instances(nested(JSON_DEPTH - 1)).startswith(b'{"instances":[[')
    assert map_predictions_to_instances(nested(JSON_DEPTH)) == nested(JSON_DEPTH)

    async def deep(step: Step, body: bytes, headers: Any) -> Answer:
        return Answer(200, nested(JSON_DEPTH))

    step = Step(service_name="a")
    answer = await route(Graph("g", {"root": Node(RouterType.ENSEMBLE, (step,))}), b"{}", (), deep)
    assert (answer.status, b"JSON nested over 256 levels" in answer.body) == (500, True)


def test_difference_condition_length() -> None:
    body = b'{"a":' * 150 + b"1" + b"}" * 150
    assert exists(body, ".".join(["a"] * 101))
    assert not exists(body, ".".join(["a"] * 102))


def test_difference_pretty_order(bench: Bench) -> None:
    # KServe's finds "a" to be the first key, because it sorts them first.
    switch = {
        "routerType": "Switch",
        "steps": [
            {
                "serviceUrl": "http://$service/a",
                "condition": '@pretty:{"sortKeys":true}|@keys|[0]|#(=="b")',
            }
        ],
    }
    request = Request(b'{"b":1,"a":2}')
    job = job_of({"root": switch}, Reply(body=b"{}"), request)
    assert bench.ours.run(job)[0].status == 200
    assert bench.run_kserve(job)[0].status == 404


def test_difference_status_over_599(bench: Bench) -> None:
    job = job_of(ONE_STEP, Reply(status=999, body=b"x"))
    (ours,) = bench.ours.run(job)
    assert (ours.status, b"the status 999" in ours.body) == (502, True)
    (kserve,) = bench.run_kserve(job)
    assert (kserve.status, kserve.body) == (999, b"x")


def test_difference_switching_protocols(bench: Bench) -> None:
    job = job_of(ONE_STEP, Reply(raw=b"HTTP/1.1 101 Switching Protocols\r\n\r\n"))
    assert bench.ours.run(job)[0].status == 500
    assert bench.run_kserve(job)[0].status == 101


@pytest.mark.parametrize(
    ("router_type", "url", "reply", "theirs", "words"),
    [
        ("Sequence", "http://x.invalid/", EMPTY, 'Post "http://x.invalid/": dial tcp: lookup',
         'Post "http://x.invalid/": dial tcp: lookup x.invalid: no such host'),
        ("Sequence", "127.0.0.1:80/x", EMPTY, 'parse "127.0.0.1:80/x": first path segment in URL',
         'parse "127.0.0.1:80/x": this is not a valid URL'),
        ("Sequence", "ftp://h/x", EMPTY, 'Post "ftp://h/x": unsupported protocol scheme "ftp"',
         'Post "ftp://h/x": a service\'s URL begins with http:// or https://'),
        ("Sequence", "http://$service/a", Reply(raw=b""), 'Post "http://$service/a": EOF',
         'Post "http://$service/a": Server disconnected without sending a response.'),
        ("Sequence", "http://$service/a", Reply(body=b"{", promise=9), "unexpected EOF",
         'Post "http://$service/a": the answer broke off: '),
        ("Ensemble", "http://$service/a", Reply(body=b"[1 2]"), "invalid character '2' after",
         "step 0 of an Ensemble must answer an object: not JSON: "),
        ("Ensemble", "http://$service/a", Reply(body=b"[]"), "json: cannot unmarshal array into",
         "step 0 of an Ensemble must answer an object: this is other JSON"),
    ],
)  # fmt: skip
def test_difference_cause_words(
    bench: Bench, router_type: str, url: str, reply: Reply, theirs: str, words: str
) -> None:
    nodes = {"root": {"routerType": router_type, "steps": [{"serviceUrl": url}]}}
    job = job_of(nodes, reply)
    for run, cause in ((bench.ours.run, words), (bench.run_kserve, theirs)):
        (seen,) = run(job)
        assert seen.status == 500
        assert json.loads(seen.body)["cause"].startswith(cause)


def test_difference_content_types(bench: Bench) -> None:
    job = job_of(ONE_STEP, Reply(body=b"\x89PNG\r\n\x1a\n"))
    for run, kind in (
        (bench.ours.run, "application/octet-stream"),
        (bench.run_kserve, "image/png"),
    ):
        assert run(job)[0].headers["content-type"] == kind


def test_difference_connect(bench: Bench) -> None:
    request = Request(b'{"x":1}', method="CONNECT", path="/x")
    job = job_of(ONE_STEP, Reply(body=b"{}"), request)
    assert [call.body for call in bench.ours.run(job)[0].calls] == [b""]
    assert [call.body for call in bench.run_kserve(job)[0].calls] == [b'{"x":1}']


@pytest.mark.parametrize(("status", "passed_on"), [(503, "7"), (429, "7"), (200, None)])
async def test_difference_retry_after(status: int, passed_on: str | None) -> None:
    busy = Reply(status=status, body=b"{}", headers=(("Retry-After", "7"),))
    async with live_graph(ONE_STEP, {"a": busy}) as live, httpx2.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{live.port}", content=b"{}")
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, passed_on)


def test_difference_user_agent(bench: Bench) -> None:
    job = job_of(ONE_STEP, Reply(body=b"{}"))
    for run, agent in ((bench.ours.run, "parley-graph"), (bench.run_kserve, "Go-http-client/1.1")):
        (call,) = run(job)[0].calls
        assert dict(call.headers)["User-Agent"] == agent


async def test_difference_istio() -> None:
    """An https step is called by TLS: a plain server sees no HTTP."""
    greetings: list[bytes] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greetings.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    graph = Graph(
        "g", {"root": Node(RouterType.SEQUENCE, (Step(service_url=f"https://127.0.0.1:{port}/"),))}
    )
    async with http_call({}) as call:
        answer = await route(graph, b"{}", (), call)
    server.close()
    await server.wait_closed()
    assert (answer.status, greetings) == (500, [b"\x16"])


async def test_difference_idle_connections() -> None:
    steps = [{"serviceUrl": "http://$service/a", "name": str(index)} for index in range(5)]
    nodes = {"root": {"routerType": "Ensemble", "steps": steps}}
    async with live_graph(nodes, {"a": Reply(body=b"{}", delay=0.1)}) as live:
        for _ in range(3):
            assert (await ask(live.port, b"{}"))[0] == 200
        assert (len(live.service.calls), live.service.connections) == (15, 5)


def test_difference_shutdown(tmp_path: Path) -> None:
    file = tmp_path / "graph.yaml"
    document = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "InferenceGraph"}
    steps = [{"serviceUrl": "http://127.0.0.1:1/"}]
    nodes = {"root": {"routerType": "Sequence", "steps": steps}}
    file.write_text(json.dumps(document | {"metadata": {"name": "g"}, "spec": {"nodes": nodes}}))
    command = [sys.executable, "-m", "graph.cli.main", "graph", "serve", str(file), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


async def refuse(step: Step, body: bytes, headers: Any) -> Answer:
    raise AssertionError("nothing is called")
