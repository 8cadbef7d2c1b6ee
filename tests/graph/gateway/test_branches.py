"""Where a graph may be followed by words: behind its chats, where only translators follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from graph.gateway.branches import Chat, find_chats
from graph.local.build import DEFAULT_FILE, read_file
from graph.spec.load import choose_graph, load_objects

OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(DEFAULT_FILE.read_text("utf-8")))


def find(
    nodes: Mapping[str, Any] | None = None, changes: Mapping[str, Any] | None = None
) -> dict[str, Chat]:
    """The first chat of each node of the shipped graph.

    nodes: take the place of some.  changes: a translator's container, field by field.
    """
    objects = yaml.safe_load(yaml.safe_dump(OBJECTS))
    for each in objects:
        if each["kind"] == "InferenceGraph":
            each["spec"]["nodes"] |= nodes or {}
        if each["kind"] == "InferenceService" and each["metadata"]["name"] == "translate-en-fr":
            each["spec"]["predictor"]["containers"][0] |= changes or {}
    loaded = load_objects(yaml.safe_dump_all(objects), "f.yaml")
    graph = choose_graph(loaded, "f.yaml")
    chats = find_chats(graph, loaded.services)
    found: dict[str, Chat] = {}
    for name, _, _, each in graph.steps():
        if id(each) in chats:
            found.setdefault(name, chats[id(each)])
    return found


def tails(chats: Mapping[str, Chat]) -> dict[str, list[str] | None]:
    return {
        name: None if chat.tail is None else [step.target for step in chat.tail]
        for name, chat in chats.items()
    }


def step(service: str, **fields: Any) -> dict[str, Any]:
    usual = {"data": "$response", "dependency": "Hard", "mapPredictionsToInstances": True}
    return {"serviceName": service} | usual | fields


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"routerType": "Sequence", "steps": list(steps)}


def test_the_shipped_graph_may_be_followed_in_every_branch() -> None:
    assert tails(find()) == {
        "en": [],
        "fr": ["translate-en-fr"],
        "mixed": ["translate-en-fr"],
    }


def test_every_shipped_graph_with_a_chat_may_be_followed() -> None:
    for name in ("basic-chat", "cpu", "gpu"):
        objects = read_file(str(DEFAULT_FILE.with_name(f"{name}.yaml")))
        for graph in objects.graphs:
            chats = find_chats(graph, objects.services)
            assert chats and all(chat.tail is not None for chat in chats.values())


@pytest.mark.parametrize(
    "last",
    [
        step("translate-en-fr", condition="predictions"),
        step("translate-en-fr", dependency="Soft"),
        step("translate-en-fr", data="$request"),
        step("translate-en-fr", mapPredictionsToInstances=False),
        step("translate-fr-en"),
        step("detector"),
        step("chat"),
    ],
)
def test_what_is_not_a_translator_of_single_sentences_ends_the_following(
    last: dict[str, Any],
) -> None:
    nodes = {"fr": sequence(step("translate-fr-en"), step("chat"), last)}
    assert tails(find(nodes)) == {"en": [], "fr": None, "mixed": ["translate-en-fr"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"command": ["python", "-m", "somebody.elses"]},
        {"envFrom": [{"secretRef": {"name": "x"}}]},
        {"args": ["--source=en", "--target=fr", "--writes=user_input_en"]},
    ],
)
def test_a_service_whose_words_do_not_say_that_it_translates_is_left_alone(
    changes: dict[str, Any],
) -> None:
    assert tails(find(changes=changes)) == {"en": [], "fr": None, "mixed": None}


def test_a_translator_of_both_directions_may_stand_there() -> None:
    both = {"args": ["--source=fr", "--target=en", "--directions=both"]}
    assert tails(find(changes=both))["fr"] == ["translate-en-fr"]


def test_a_soft_chat_and_one_in_an_ensemble_are_not_followed() -> None:
    ensemble = {"routerType": "Ensemble", "steps": [step("chat", name="a"), step("detector")]}
    nodes = {"en": sequence(step("chat", dependency="Soft")), "mixed": ensemble}
    assert tails(find(nodes)) == {"en": None, "fr": ["translate-en-fr"], "mixed": None}


def test_a_node_with_two_ways_behind_it_is_not_followed() -> None:
    shared = {"nodeName": "en", "data": "$response", "dependency": "Hard"}
    nodes = {"fr": sequence(step("translate-fr-en"), shared, step("translate-en-fr"))}
    assert tails(find(nodes)) == {"en": None, "mixed": ["translate-en-fr"]}


def test_a_way_out_of_inner_nodes_is_found() -> None:
    inner = {"nodeName": "inner", "data": "$response", "dependency": "Hard"}
    nodes = {
        "fr": sequence(step("translate-fr-en"), inner, step("translate-en-fr")),
        "inner": sequence(step("chat")),
    }
    assert tails(find(nodes)) == {
        "en": [],
        "inner": ["translate-en-fr"],
        "mixed": ["translate-en-fr"],
    }
