"""The embedded chat on a cluster, as `wait`, `logs` and `graph trace` see it."""

from __future__ import annotations

import json

import pytest

from graph.cluster.logs import keep, read_logs
from graph.cluster.tracing import trace_graph
from graph.cluster.wait import wait
from tests.cluster import strangers
from tests.cluster.deployment import GRAPH, NAMESPACE, PREDICTORS, Deployment

pytestmark = pytest.mark.cluster


def test_a_wait_ends_with_one_turn_through_all_models(embedded: Deployment) -> None:
    with strangers.connect(embedded.cluster, NAMESPACE) as connected:
        [application] = wait(connected, [GRAPH], 120).applications
    assert application.parts[-1].detail.startswith("one turn in fr answered in ")
    kinds = [part.kind for part in application.parts]
    assert kinds == ["InferenceService"] * 4 + ["InferenceGraph", "HTTPRoute", "Ingress", "Answer"]


def test_a_turn_is_followed_through_the_graph_and_found_in_every_log(embedded: Deployment) -> None:
    body = json.dumps({"instances": [{"user_input": "Bonjour", "request_id": "followed-turn"}]})
    with strangers.connect(embedded.cluster, NAMESPACE) as connected:
        found = trace_graph(connected, GRAPH, body.encode())
        lines = list(keep(read_logs(connected, [GRAPH]), "followed-turn"))
    assert [visit.step.target for visit in found.visits if visit.step.service_name] == [
        "detector",
        "translate-fr-en",
        "chat",
        "translate-en-fr",
    ]
    assert found.answer.status == 200
    assert found.router is not None and found.router.status == 200
    named = {name for name in PREDICTORS for line in lines if f"{name}-predictor" in line.pod}
    assert named == set(PREDICTORS)
