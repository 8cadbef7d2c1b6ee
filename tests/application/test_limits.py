"""The largest requests of the contract, through every step of the shipped graph over HTTP."""

import json

import httpx2
import pytest

from graph import contract
from graph.local.app import app_of
from graph.router.app import graph_app
from graph.router.transport import MAX_ANSWER, http_call
from graph.router.walk import route
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.detector.model import Detector
from predictors.door.handler import Handler
from predictors.engine import Sampling
from predictors.predictor import Predictor
from predictors.translator.model import Translator
from predictors.translator.pair import PairTranslator
from predictors.translator.quality import Translated
from tests.conftest import served
from tests.fakes import TO_ENGLISH, TO_FRENCH, FakeEngine, embedded_graph, predictors

INNER = contract.INNER.limits


class Grows:
    """A Strategy whose translations are as long as a later step takes them."""

    def check(self):
        pass

    async def translate(self, texts):
        # KServe's router writes each of these with six bytes.
        return [Translated("<" * INNER.text) for _ in texts]


class GrowsTooLong(Grows):
    """A Strategy whose translations no later step takes."""

    async def translate(self, texts):
        return [Translated("x" * (INNER.text + 1)) for _ in texts]


def grown(reply=lambda text: "<" * INNER.answer, to_english=Grows):
    """The four predictors on models that write as much as they may."""
    engine = FakeEngine(reply, context=10**9)
    made: list[Predictor] = [
        Detector("detector", ("en", "fr"), "en"),
        Translator("translate-fr-en", engine, [LongTranslator(TO_ENGLISH, to_english())]),
        Translator("translate-en-fr", engine, [LongTranslator(TO_FRENCH, Grows())]),
        Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=10**8)),
    ]
    handlers = [Handler(predictor) for predictor in made]
    for handler in handlers:
        handler.load()
    return handlers


class LongTranslator(PairTranslator):
    """A translator that gives every text, also one without letters, to its model whole."""

    async def translate(self, texts):
        return await self._strategy.translate(texts)


@pytest.fixture(scope="module")
def url():
    """The graph's router, which calls the predictors over HTTP."""
    handlers = grown()
    local = embedded_graph(handlers)
    with served(app_of(local)) as predictors:
        urls = {h.name: f"{predictors}/v1/models/{h.name}:predict" for h in handlers}
        with served(router(local.graph, urls)) as url:
            yield url


def router(graph, urls):
    async def app(scope, receive, send):
        async with http_call(urls) as call:
            walk = graph_app(lambda body, headers: route(graph, body, headers, call))
            await walk(scope, receive, send)

    return app


def post(url, body):
    return httpx2.post(url, content=body, timeout=300)


@pytest.mark.parametrize(
    ("character", "ascii_only"), [("x", True), ("<", True), ("é", False), ("😀", True)]
)
def test_the_largest_messages_pass_every_step_and_grow_as_they_may(url, character, ascii_only):
    instance = {"user_input": character * 10_000, "language": "fr"}
    body = json.dumps({"instances": [instance] * 64}, ensure_ascii=ascii_only).encode()
    answer = post(url, body)
    assert answer.status_code == 200, answer.text[:300]
    assert len(answer.content) < MAX_ANSWER
    predictions = answer.json()["predictions"]
    assert len(predictions) == 64
    for turn in predictions:
        assert turn["user_input"] == character * 10_000
        assert len(turn["user_input_en"]) == len(turn["response"]) == INNER.text
        assert len(turn["response_en"]) == INNER.answer
        assert [len(text) for text in turn["history"]] == [INNER.text, INNER.answer]


def test_the_longest_history_passes_every_step(url):
    history = ["<" * 8_000] * contract.PUBLIC.limits.history
    body = json.dumps({"user_input": "<" * 10_000, "history": history, "language": "fr"}).encode()
    assert len(body) < contract.PUBLIC.limits.body
    answer = post(url, body)
    assert answer.status_code == 200, answer.text[:300]
    [turn] = answer.json()["predictions"]
    assert turn["history"][:-2] == history
    assert len(turn["history"]) == contract.PUBLIC.limits.history + 2


@pytest.mark.slow
def test_a_full_body_of_history_and_messages_passes_every_step(url):
    """Every byte that a person may send, each of which KServe's router writes as six."""
    instance = {"user_input": "<" * 10_000, "language": "fr", "history": []}
    empty = len(json.dumps({"instances": [instance] * 64}))
    room = (contract.PUBLIC.limits.body - empty) // 64
    texts = [40_000] * (room // 40_004)
    instance["history"] = ["<" * length for length in [*texts, room - 40_004 * len(texts) - 4]]
    body = json.dumps({"instances": [instance] * 64}).encode()
    assert contract.PUBLIC.limits.body - 500 < len(body) <= contract.PUBLIC.limits.body
    answer = post(url, body)
    assert answer.status_code == 200, answer.text[:300]
    assert len(answer.content) < MAX_ANSWER


def test_an_answer_that_is_too_long_is_cut_at_a_sentence():
    fifty = "These are fifty characters in but one sentence.   "
    assert len(fifty) == 50
    [_, _, _, chat] = predictors(lambda text: fifty * 1_000)
    with served(app_of(embedded_graph([*predictors()[:3], chat]))) as url:
        [turn] = post(url, b'{"user_input": "Hello there"}').json()["predictions"]
    assert INNER.answer - 20 <= len(turn["response"]) <= INNER.answer
    assert turn["response"].endswith("sentence.")


def test_an_answer_of_too_many_sentences_is_cut_after_so_many():
    [_, _, _, chat] = predictors(lambda text: "Yes.\n" * 1_000)
    with served(app_of(embedded_graph([*predictors()[:3], chat]))) as url:
        [turn] = post(url, b'{"user_input": "Hello there"}').json()["predictions"]
    assert turn["response"].split() == ["Yes."] * INNER.sentences


def test_a_translation_that_no_step_would_take_is_an_error_of_the_translator():
    with served(app_of(embedded_graph(grown(to_english=GrowsTooLong)))) as url:
        answer = post(url, b'{"user_input": "Bonjour", "language": "fr"}')
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(
        "translate-fr-en: the model's text cannot be passed on"
    )
    assert "user_input_en" in answer.json()["error"]
