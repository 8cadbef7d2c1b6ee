"""A language is one line of the values; what each line brings."""

from __future__ import annotations

import pytest

from tests.deploy.chart import (
    Chart,
    Refused,
    by_name,
    called,
    container,
    find,
    graph,
    job,
    predictor,
)
from tests.deploy.rendered import only

MARIAN = "hf:Helsinki-NLP/opus-mt-{}@b4a9a384c2ec68a224bbd2ee3fd5df0c71ca5b1b"
M2M100 = "hf:facebook/m2m100_418M@55c2e61bbf05dfb8d7abccdc3fae6fc8512fd636"
ITALIAN = {"toEnglish": {"model": MARIAN.format("it-en")}, "fromEnglish": {"model": "/models/it"}}


def test_a_language_is_its_translators_its_branch_and_a_model_of_the_job(chart: Chart) -> None:
    objects = chart.render(values={"languages": {"it": ITALIAN}})
    nodes = graph(objects)
    assert called(nodes["it"]) == [
        "parley-translate-it-en",
        "parley-chat",
        "parley-translate-en-it",
    ]
    assert called(nodes["mixed"])[1] == "parley-translate-it-en"
    assert called(nodes["by-language"]) == ["mixed", "fr", "it", "en"]
    assert "--languages=en,fr,it" in container(objects, "parley-detector")["args"]
    assert MARIAN.format("it-en") in job(objects)["args"]


def test_a_direction_may_override_anything_of_its_predictor(chart: Chart) -> None:
    values = {"languages": {"fr": {"toEnglish": {"replicas": 3, "options": {"parallel": 2}}}}}
    objects = chart.render(values=values)
    assert predictor(objects, "parley-translate-fr-en")["minReplicas"] == 3
    assert "--parallel=2" in container(objects, "parley-translate-fr-en")["args"]
    assert predictor(objects, "parley-translate-en-fr")["minReplicas"] == 1


def test_a_pair_without_a_model_is_refused_in_a_sentence_that_says_what_to_write(
    chart: Chart,
) -> None:
    with pytest.raises(Refused) as caught:
        chart.render(values={"languages": {"cy": {}}})
    assert "languages.cy: the chart has no model from " in str(caught.value)
    assert 'write languages.cy.toEnglish.model: "hf:ID@REVISION", or' in str(caught.value)


def test_a_language_without_a_model_of_its_own_is_translated_by_one_of_many(chart: Chart) -> None:
    objects = chart.render(values={"languages": {"es": {}}})
    many = f"--model={M2M100}"
    for name in ("parley-translate-es-en", "parley-translate-en-es"):
        assert many in container(objects, name)["args"]
    assert many not in container(objects, "parley-translate-fr-en")["args"]
    assert job(objects)["args"].count(M2M100) == 1


def test_one_multilingual_model_serves_all_languages_and_is_converted_once(chart: Chart) -> None:
    values = {"translator": {"model": M2M100}, "languages": {"de": {}, "es": {}}}
    objects = chart.render(values=values)
    assert job(objects)["args"].count(M2M100) == 1
    for name in ("parley-translate-fr-en", "parley-translate-en-es"):
        assert f"--model={M2M100}" in container(objects, name)["args"]


@pytest.mark.parametrize("code", ["de", "es", "it"])
def test_the_embedded_profile_has_a_model_for_every_language_with_examples(
    code: str, chart: Chart
) -> None:
    objects = chart.render("embedded", values={"languages": {code: {}}})
    args = container(objects, f"parley-translate-{code}-en")["args"]
    assert "--model=embedded:gemma3-270m" in args


def test_a_language_without_examples_is_refused_for_a_model_that_needs_them(chart: Chart) -> None:
    with pytest.raises(Refused, match="languages.sw: .* translates by examples"):
        chart.render("embedded", values={"languages": {"sw": {}}})


def test_a_direct_language_is_detected_and_answered_without_translators(chart: Chart) -> None:
    objects = chart.render(values={"languages": {"es": {"direct": True}}})
    assert "--languages=en,es,fr" in container(objects, "parley-detector")["args"]
    assert "--languages=en,es" in container(objects, "parley-chat")["args"]
    (step,) = (s for s in graph(objects)["by-language"]["steps"] if s["name"] == "es")
    assert step["nodeName"] == "en"
    assert not [name for _, name in by_name(objects) if "-es-" in name or "-es" == name[-3:]]


def test_only_direct_languages_need_no_translator_and_no_branch_for_mixed_batches(
    chart: Chart,
) -> None:
    values = {"languages": {"fr": {"direct": True}}}
    objects = chart.render(values=values)
    assert set(graph(objects)) == {"root", "by-language", "en"}


def test_a_turn_may_take_as_long_as_its_longest_way(chart: Chart) -> None:
    values = {"languages": {"it": ITALIAN}, "timeouts": {"service": 70}}
    objects = chart.render(values=values)
    timeouts = only(objects, "InferenceGraph")["spec"]["routerTimeouts"]
    assert timeouts["serverWrite"] == 6 * 70
    (rule,) = find(objects, "HTTPRoute", "parley-multilingual-chat")["spec"]["rules"]
    assert rule["timeouts"]["request"] == "420s"


def test_a_turn_that_ends_before_its_predictors_is_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="timeouts.turn is 100, but the 4 predictors"):
        chart.render(values={"timeouts": {"turn": 100}})
