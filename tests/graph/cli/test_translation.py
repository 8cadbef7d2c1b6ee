"""One text into the other language, by the translator's graph."""

import json

import pytest

from graph.asgi import json_answer
from graph.cli.translation import translate
from graph.cli.words import lacking
from graph.client import ChatClient
from graph.errors import RequestError, StepError


class Graph:
    """A translator's graph at the transport's seam: English becomes Italian, all else English."""

    def __init__(self, **changes):
        self.changes = changes
        self.received = []

    def post(self, body, predictor, seconds):
        [instance] = json.loads(body)["instances"]
        self.received.append(instance)
        language = instance.get("language", "en" if instance["user_input"].isascii() else "it")
        source, target = ("en", "it") if language == "en" else ("it", "en")
        prediction = {
            **instance,
            "language": language,
            "response": f"{target}: {instance['user_input']}",
            "steps": [{"name": f"translate-{source}-{target}", "model": "m", "seconds": 0.1}],
            **self.changes,
        }
        return json_answer(200, {"predictions": [prediction]})

    def close(self):
        pass


@pytest.mark.parametrize(
    ("text", "to", "response", "language"),
    [
        ("Hello", None, "it: Hello", None),
        ("Perché", None, "en: Perché", None),
        # What is to become Italian is English, whatever it looks like.
        ("caffè", "it", "it: caffè", "en"),
        ("Perché", "en", "en: Perché", None),
    ],
)
def test_a_text_goes_to_the_other_language(text, to, response, language):
    graph = Graph()
    assert translate(ChatClient(transport=graph), text, to)["response"] == response
    assert graph.received[0].get("language") == language


def test_a_text_that_was_left_in_english_went_to_its_translator_all_the_same():
    left = {
        "response": "Hello",
        "steps": [],
        "degraded": [{"step": "translate-en-it", "reason": "engine"}],
    }
    client = ChatClient(transport=Graph(**left))
    prediction = translate(client, "Hello", "it")
    assert lacking(prediction) == [
        "The text was left in English.",
        "The model of translate-en-it failed.",
    ]
    with pytest.raises(RequestError, match="--to: .*not into 'de'"):
        translate(client, "Hello", "de")


@pytest.mark.parametrize(
    ("to", "problem"),
    [("en", "is in 'en' already"), ("de", "translates between en and it, not into 'de'")],
)
def test_a_language_that_cannot_be_had_is_refused(to, problem):
    with pytest.raises(RequestError, match=f"--to: .*{problem}"):
        translate(ChatClient(transport=Graph()), "Hello", to)


def test_another_graph_is_seen():
    with pytest.raises(StepError, match="is this a translator's graph?"):
        translate(ChatClient(transport=Graph(response=None)), "Hello")


@pytest.mark.parametrize(
    "turn",
    [
        # A chat model that speaks Spanish itself.
        {"language": "es", "response_en": "Hola", "response": "Hola"},
        {"language": "en", "response_en": "Hi", "response": "Hi", "user_input": "Hi"},
    ],
)
def test_an_answer_that_needed_no_translation_was_not_left_in_english(turn):
    cut = [{"step": "chat", "reason": "history-cut"}]
    assert len(lacking({**turn, "degraded": cut})) == 1
    assert lacking(turn) == []


@pytest.mark.parametrize("degraded", [None, 1, ["x"], [{"step": "chat"}], {"a": 1}])
def test_what_another_graph_calls_degraded_is_refused_in_one_line(degraded):
    with pytest.raises(StepError, match="degraded of the answer is not of Parley's"):
        translate(ChatClient(transport=Graph(degraded=degraded)), "Hello", "it")
