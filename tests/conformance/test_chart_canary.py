"""The chart's canary: the shares of the turns, measured through KServe's own router."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from tests.conformance.bench import Bench, leave_out
from tests.conformance.exchange import Job, Reply, Request
from tests.deploy.chart import Chart, graph
from tests.tools import binaries

TURNS = 400
WEIGHT = 25
# Five standard deviations: once in two million runs a fair router is outside.
TOLERANCE = 5 * (TURNS * 0.25 * 0.75) ** 0.5


def test_the_canary_answers_its_share_of_the_turns(bench: Bench) -> None:
    if bench.kserve is None:
        leave_out(bench.missing, os.environ)
    chart = Chart(binaries.build(["helm"], os.environ)["helm"])
    nodes = graph(chart.render("embedded", values={"chat": {"canary": {"weight": WEIGHT}}}))
    french = json.dumps({"predictions": [{"route": "fr"}]}).encode()
    job = Job(
        nodes=with_urls(nodes),
        services={name: (Reply(body=french),) for name in services(nodes)},
        requests=(Request(body=b'{"instances": [{"user_input": "Bonjour !"}]}'),) * TURNS,
    )
    seen = bench.run_kserve(job)
    assert [each.status for each in seen] == [200] * TURNS
    chats = Counter(each.calls[2].service for each in seen)
    assert set(chats) == {"parley-chat", "parley-chat-canary"}
    assert abs(chats["parley-chat-canary"] - TURNS * WEIGHT / 100) < TOLERANCE, chats
    # What the translator gave reaches the chat as instances, through the Splitter.
    assert json.loads(seen[0].calls[2].body) == {"instances": [{"route": "fr"}]}


def services(nodes: dict[str, Any]) -> set[str]:
    steps = [step for node in nodes.values() for step in node["steps"]]
    return {step["serviceName"] for step in steps if "serviceName" in step}


def with_urls(nodes: dict[str, Any]) -> dict[str, Any]:
    """The graph with every service at the address of the scripted ones."""
    return {
        name: {**node, "steps": [_with_url(step) for step in node["steps"]]}
        for name, node in nodes.items()
    }


def _with_url(step: dict[str, Any]) -> dict[str, Any]:
    step = dict(step)
    if name := step.pop("serviceName", ""):
        step["serviceUrl"] = f"http://$service/{name}"
    return step
