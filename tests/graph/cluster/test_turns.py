"""What an application is asked, before it counts as ready."""

import json

import pytest

from graph.cluster.parts.applications import Application
from graph.cluster.turns import question_of
from graph.compose import application, chat, detector, sequence, translator

GEMMA = "embedded:gemma3-270m"


@pytest.mark.models
@pytest.mark.parametrize(
    "predictor",
    [
        detector("fr"),
        chat("embedded:smollm2-135m-instruct"),
        translator("fr", "en", GEMMA),
        translator("en", "fr", GEMMA),
        translator("en", "es,fr", GEMMA),
        translator("it", "en", GEMMA, writes="response"),
    ],
)
async def test_every_predictor_alone_answers_what_it_is_asked(predictor):
    body = predictor.manifest()
    question = question_of(Application(predictor.name, None, (body,)))
    assert question is not None and question.body is not None
    built = application("lone", sequence(predictor)).build()
    built.load()
    try:
        answer = await built.predict(question.predictor or "", question.body)
    finally:
        built.close()
    assert answer.status == 200, answer.body
    assert len(json.loads(answer.body)["predictions"]) == 1
