"""One multilingual translator for several languages: `sharedTranslator`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.chart import (
    Chart,
    Refused,
    called,
    container,
    find,
    graph,
    job,
    kinds,
    predictor,
)
from tests.deploy.rendered import Objects, only

M2M100 = "hf:facebook/m2m100_418M@main"
MARIAN = "hf:Helsinki-NLP/opus-mt-it-en@main"
OWN = {"toEnglish": {"model": MARIAN}, "fromEnglish": {"model": "/models/it"}}
INTO = "parley-translate-many-en"
FROM = "parley-translate-en-many"
BOTH = "parley-translate"


def values(**more: Any) -> dict[str, Any]:
    """A shared translator of Spanish and French, with `more` of its values."""
    return {"sharedTranslator": {"model": M2M100, **more}, "languages": {"es": {}}}


def services(objects: Objects) -> list[str]:
    names = (o["metadata"]["name"] for o in objects if o["kind"] == "InferenceService")
    return sorted(name for name in names if "translate" in name)


def test_two_predictors_serve_every_language_from_and_into_english(chart: Chart) -> None:
    objects = chart.render(values=values())
    assert services(objects) == [FROM, INTO]
    assert {"--source=es,fr", "--target=en"} <= set(container(objects, INTO)["args"])
    assert {"--source=en", "--target=es,fr"} <= set(container(objects, FROM)["args"])
    nodes = graph(objects)
    way = [INTO, "parley-chat", FROM]
    assert called(nodes["es"]) == called(nodes["fr"]) == called(nodes["mixed"]) == way
    assert called(nodes["by-language"]) == ["mixed", "es", "fr", "en"]


def test_one_predictor_serves_both_directions_as_two_steps_of_different_names(
    chart: Chart,
) -> None:
    objects = chart.render(values=values(services=1))
    assert services(objects) == [BOTH]
    args = container(objects, BOTH)["args"]
    assert {"--source=es,fr", "--target=en", "--directions=both"} <= set(args)
    for node in ("es", "fr", "mixed"):
        assert called(graph(objects)[node]) == [BOTH, "parley-chat", BOTH]
        names = [step["name"] for step in graph(objects)[node]["steps"]]
        assert names == ["translate-many-en", "chat", "translate-en-many"]


def test_a_language_with_a_model_of_its_own_keeps_its_translators(chart: Chart) -> None:
    objects = chart.render(values=values() | {"languages": {"es": {}, "it": OWN}})
    own = ["parley-translate-en-it", "parley-translate-it-en"]
    assert services(objects) == sorted([FROM, INTO, *own])
    nodes = graph(objects)
    assert called(nodes["it"]) == [own[1], "parley-chat", own[0]]
    assert called(nodes["mixed"]) == [own[1], INTO, "parley-chat", own[0], FROM]
    assert "--source=es,fr" in container(objects, INTO)["args"]


def test_the_languages_that_are_listed_are_shared_and_the_others_are_not(chart: Chart) -> None:
    objects = chart.render(values=values(languages=["es"]))
    assert "--source=es" in container(objects, INTO)["args"]
    assert called(graph(objects)["fr"])[0] == "parley-translate-fr-en"
    assert called(graph(objects)["es"])[0] == INTO


def test_a_direct_language_is_not_shared(chart: Chart) -> None:
    objects = chart.render(values=values() | {"languages": {"es": {"direct": True}}})
    assert "--source=fr" in container(objects, INTO)["args"]
    assert called(graph(objects)["by-language"]) == ["mixed", "fr", "en", "en"]


def test_the_job_fetches_the_shared_model_once(chart: Chart) -> None:
    args = job(chart.render(values=values()))["args"]
    assert args.count(M2M100) == 1
    assert not [word for word in args if "opus-mt" in word or "t5-small" in word]


def test_its_block_overrides_that_of_every_translator(chart: Chart) -> None:
    given = values(replicas=2, options={"parallel": 8}) | {
        "translator": {"replicas": 3, "model": MARIAN, "options": {"threads": 2}}
    }
    objects = chart.render(values=given)
    for name in (INTO, FROM):
        assert predictor(objects, name)["minReplicas"] == 2
        assert {"--parallel=8", "--threads=2", f"--model={M2M100}"} <= set(
            container(objects, name)["args"]
        )
        budget = find(objects, "PodDisruptionBudget", name)["spec"]
        pods = {"serving.kserve.io/inferenceservice": name}
        assert budget["selector"]["matchLabels"] == pods


def test_a_policy_opens_the_way_to_it_and_it_waits_for_its_model(chart: Chart) -> None:
    objects = chart.render(values=values(services=1))
    labels = find(objects, "InferenceService", BOTH)["metadata"]["labels"]
    wanted = find(objects, "NetworkPolicy", "parley-predictors")["spec"]["podSelector"]
    pods = labels | {"component": "predictor"}
    assert wanted["matchLabels"].items() <= pods.items()
    (waiting,) = predictor(objects, BOTH)["initContainers"]
    assert waiting["args"] == [M2M100]


@pytest.mark.parametrize("number", [1, 2])
def test_a_turn_may_take_as_long_as_its_steps_whatever_the_number_of_languages(
    number: int, chart: Chart
) -> None:
    ten: dict[str, Any] = {code: {} for code in "de es it nl pl pt ru sv tr".split()}
    given = values(services=number) | {"languages": ten, "timeouts": {"service": 70}}
    timeouts = only(chart.render(values=given), "InferenceGraph")["spec"]["routerTimeouts"]
    assert timeouts["serverWrite"] == 4 * 70


def test_an_embedded_model_may_be_shared(chart: Chart) -> None:
    given = values(model="embedded:gemma3-270m", services=1) | {"languages": {"it": {}}}
    objects = chart.render("embedded", values=given)
    assert "--source=fr,it" in container(objects, BOTH)["args"]
    assert "Job" not in kinds(objects)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"sharedTranslator": {"languages": ["fr"]}},
            "sharedTranslator.languages: name sharedTranslator.model too",
        ),
        (
            {"sharedTranslator": {"model": M2M100, "languages": ["de"]}},
            "sharedTranslator.languages: de is not one of `languages`; write languages.de: {} too",
        ),
        (
            {"sharedTranslator": {"model": M2M100, "languages": ["it"]}, "languages": {"it": OWN}},
            "sharedTranslator.languages: languages.it is direct or names a model of its own",
        ),
        (
            {
                "sharedTranslator": {"model": M2M100, "languages": ["it"]},
                "languages": {"it": {"direct": True}},
            },
            "sharedTranslator.languages: languages.it is direct or names a model of its own",
        ),
        (
            {"sharedTranslator": {"model": M2M100}, "languages": {"fr": {"direct": True}}},
            "sharedTranslator.model: no language is left for it",
        ),
        (
            {
                "sharedTranslator": {"model": M2M100},
                "languages": {"fr": {"toEnglish": {"replicas": 2}}},
            },
            "languages.fr.toEnglish: the shared translator serves fr",
        ),
        (
            {"sharedTranslator": {"model": "embedded:gemma3-270m"}, "languages": {"sw": {}}},
            "languages.sw: embedded:gemma3-270m translates by examples",
        ),
        (
            {"sharedTranslator": {"model": M2M100, "storageUri": "hf://a/b"}},
            "with storageUri the model is where KServe puts it",
        ),
        ({"languages": {"fr": None}}, "languages: name at least one besides English, such as"),
    ],
)
def test_a_contradiction_is_refused_in_a_sentence(
    wrong: dict[str, Any], message: str, chart: Chart
) -> None:
    with pytest.raises(Refused) as caught:
        chart.render(values=wrong)
    assert message in str(caught.value)


def test_without_the_chat_in_several_languages_none_need_be_named(chart: Chart) -> None:
    given = {
        "languages": {"fr": None},
        "multilingualChat": {"enabled": False},
        "basicChat": {"enabled": True},
    }
    assert "InferenceGraph" not in kinds(chart.render(values=given))
