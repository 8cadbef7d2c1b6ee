"""The languages of the translators against the ways of the turns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.lint.findings import Finding, Subject, lint
from graph.lint.rules import RULES
from graph.spec.load import load_objects

RULE = "language-without-translator"
INTO = ("--source=fr,it", "--target=en")
FROM = ("--source=en", "--target=fr,it")


def findings(
    services: dict[str, dict[str, Any]], way: tuple[str, ...] = ("into", "chat", "from")
) -> list[Finding]:
    """What lint says of a detector of en, fr, it and one branch for fr and it."""
    steps = [{"name": f"s{i}", "serviceName": name} for i, name in enumerate(way)]
    branches = [
        {"nodeName": "other", "condition": f'predictions.#(route=="{code}")'}
        for code in ("fr", "it")
    ]
    nodes = {
        "root": sequence({"serviceName": "detector"}, {"nodeName": "by"}),
        "by": {
            "routerType": "Switch",
            "steps": [*branches, {"serviceName": "chat", "condition": "@this"}],
        },
        "other": sequence(*steps),
    }
    detector = container("detector", "--languages=en,fr,it")
    made = {"detector": detector, "chat": container("chat")} | services
    documents = [item("InferenceGraph", "v1alpha1", "g", {"nodes": nodes})]
    documents += [
        item("InferenceService", "v1beta1", name, {"predictor": {"containers": [given]}})
        for name, given in made.items()
    ]
    objects = load_objects("\n---\n".join(map(json.dumps, documents)), "f.yaml")
    found = lint(Subject(objects.graphs[0], objects.services), RULES)
    return [finding for finding in found if finding.rule == RULE]


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    mapped = [step | {"dependency": "Hard", "data": "$response"} for step in steps]
    return {"routerType": "Sequence", "steps": mapped}


def container(kind: str, *args: str, **more: Any) -> dict[str, Any]:
    words = {"command": ["python", "-m", f"predictors.{kind}"], "args": list(args)}
    return {"name": "c"} | words | more


def item(kind: str, version: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    api = f"serving.kserve.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def translators(into: tuple[str, ...], back: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {"into": container("translator", *into), "from": container("translator", *back)}


def test_translators_that_serve_every_language_of_their_way_find_nothing() -> None:
    assert findings(translators(INTO, FROM)) == []


def test_a_language_that_the_translator_to_english_lacks_is_an_error_at_its_step() -> None:
    (found,) = findings(translators(("--source=fr", "--target=en"), FROM))
    assert (found.severity, found.node, found.step) == ("error", "other", "s0")
    assert "turns in it go this way, and no translator on it serves it" in found.problem
    assert "the message reaches the chat untranslated" in found.problem
    assert found.fix == "add it to the languages of the translator, --source"


def test_a_language_that_the_translator_from_english_lacks_is_an_error_at_its_step() -> None:
    (found,) = findings(translators(INTO, ("--source", "en", "--target", "de")))
    assert found.step == "s2"
    assert found.fix == "add fr, it to the languages of the translator, --target"
    assert "the answer goes out untranslated" in found.problem


@pytest.mark.parametrize(("source", "wanted"), [("fr,it", []), ("fr", ["--source", "--target"])])
def test_one_translator_for_both_directions_is_asked_on_both_sides(
    source: str, wanted: list[str]
) -> None:
    args = (f"--source={source}", "--target=en", "--directions=both")
    found = findings({"both": container("translator", *args)}, ("both", "chat", "both"))
    assert [finding.fix.split()[-1] for finding in found] == wanted


def test_translators_in_a_row_serve_a_language_together() -> None:
    made = {}
    for code in ("fr", "it"):
        made[code] = container("translator", f"--source={code}", "--target=en")
        made[f"en-{code}"] = container("translator", "--source=en", f"--target={code}")
    assert findings(made, ("fr", "it", "chat", "en-fr", "en-it")) == []


def test_a_way_without_translators_is_the_chats_own_business() -> None:
    assert findings({}, ("chat",)) == []


def test_variables_are_read_as_options_are() -> None:
    env = [{"name": "PARLEY_SOURCE", "value": "fr"}, {"name": "PARLEY_TARGET", "value": "en"}]
    (found,) = findings({"into": container("translator", env=env)}, ("into", "chat"))
    assert found.step == "s0"


def test_options_that_only_the_cluster_knows_are_left_alone() -> None:
    hidden = container("translator", envFrom=[{"configMapRef": {"name": "c"}}])
    assert findings({"into": hidden}, ("into", "chat")) == []


def test_of_a_container_with_several_predictors_the_one_that_is_called_counts() -> None:
    args = [
        "predictors.translator", "--model_name=into", *INTO,
        "predictors.translator", "--model_name=from", "--source=en", "--target=fr",
    ]  # fmt: skip
    models = {"name": "c", "command": ["python", "-m", "predictors.colocated"], "args": args}
    (found,) = findings({"into": models, "from": models})
    assert (found.step, found.fix.split()[-1]) == ("s2", "--target")
