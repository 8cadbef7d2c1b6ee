"""One turn is one trace through either router, which passes no header: the turn carries it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conformance.bench import leave_out, why_no_router
from tests.network import find_namespace
from tests.tools import binaries

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BONJOUR = {"user_input": "Bonjour, comment allez-vous ?", "language": "fr"}
TRACED = {**BONJOUR, "traceparent": f"00-{TRACE}-{PARENT}-01"}
STEPS = ["detector", "translate-fr-en", "chat", "translate-en-fr"]


@pytest.fixture(scope="module", params=["kserve", "ours"])
def run(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The answers to both turns, and the spans that were made for them."""
    command = [sys.executable, "-m", "tests.conformance.traced", request.param]
    if request.param == "kserve":
        if missing := why_no_router(os.environ):
            leave_out(missing, os.environ)
        router = binaries.build(["kserve-router"], os.environ)["kserve-router"]
        command = [*(find_namespace() or ()), *command, str(router)]
    turns = json.dumps([TRACED, BONJOUR])
    done = subprocess.run(command, input=turns, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def test_every_step_is_a_span_of_the_clients_trace_and_under_its_span(run: dict[str, Any]) -> None:
    spans = [span for span in run["spans"] if span["trace"] == TRACE]
    assert [span["service"] for span in spans] == [span["name"] for span in spans]
    assert sorted(span["name"] for span in spans) == sorted(STEPS)
    assert {span["parent"] for span in spans} == {PARENT}
    assert {span["attributes"]["parley.language"] for span in spans} == {"fr"}


def test_without_one_the_first_step_begins_a_trace_that_the_others_follow(
    run: dict[str, Any],
) -> None:
    spans = {span["name"]: span for span in run["spans"] if span["trace"] != TRACE}
    detector = spans.pop("detector")
    assert detector["parent"] == ""
    assert sorted(spans) == sorted(STEPS[1:])
    for span in spans.values():
        assert (span["trace"], span["parent"]) == (detector["trace"], detector["span"])


def test_the_turn_says_to_which_trace_it_belonged(run: dict[str, Any]) -> None:
    [traced], [begun] = [answer["predictions"] for answer in run["answers"]]
    assert traced["traceparent"] == TRACED["traceparent"]
    assert begun["traceparent"].split("-")[1] != TRACE
    assert [step["name"] for step in begun["steps"]] == STEPS
