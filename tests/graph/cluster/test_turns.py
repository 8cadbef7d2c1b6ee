"""What an application is asked at the end of a wait, and when a graph is nudged."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from graph.cluster.nudges import waiting_graphs
from graph.cluster.parts.applications import Application, find_applications
from graph.cluster.status import describe
from graph.cluster.turns import question_of
from graph.spec.sources import SHIPPED
from tests.graph.cluster.given import read_objects, snapshot_of

PAIR = read_objects("pair.yaml")
Object = dict[str, Any]


def shipped(file: str) -> list[Object]:
    return [item for item in yaml.safe_load_all((SHIPPED / file).read_text("utf-8")) if item]


def application(objects: list[Object], name: str = "") -> Application:
    [found] = find_applications(snapshot_of(objects, "parley"), [name] if name else [])
    return found


@pytest.mark.parametrize(
    ("objects", "name", "service", "words", "instance", "predictor"),
    [
        (shipped("embedded.yaml"), "", "multilingual-chat", "one turn in fr",
         {"user_input": "Hello", "language": "fr"}, None),
        (shipped("translator.yaml"), "", "translator", "one turn", {"user_input": "Hello"}, None),
        (shipped("embedded.yaml"), "chat", "chat-predictor", "one turn",
         {"user_input": "Hello"}, "chat"),
    ],
)  # fmt: skip
def test_our_applications_are_asked_for_a_turn(
    objects: list[Object],
    name: str,
    service: str,
    words: str,
    instance: Object,
    predictor: str | None,
) -> None:
    question = question_of(application(objects, name))
    assert question is not None and question.body is not None
    assert (question.service, question.words, question.predictor) == (service, words, predictor)
    assert json.loads(question.body) == {"instances": [instance]}


def test_a_strangers_graph_is_asked_whether_it_is_ready_and_a_service_nothing() -> None:
    question = question_of(application(PAIR))
    assert question is not None
    assert (question.service, question.body) == ("pair", None)
    assert question_of(application(PAIR, "first")) is None


def test_only_a_graph_that_waits_for_nothing_but_kserve_is_nudged() -> None:
    def waiting(*missing: tuple[str, str]) -> list[str]:
        kept = [i for i in PAIR if (i["kind"], i["metadata"]["name"]) not in missing]
        return list(waiting_graphs(describe(snapshot_of(kept, "pair"))))

    router, service = ("Deployment", "pair"), ("Deployment", "first-predictor")
    assert waiting() == []
    assert waiting(router) == ["pair"]
    assert waiting(router, service) == []
