"""Bad input at a translator of its own: a status, one line that says where, and it goes on."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from graph.errors import EngineError
from predictors.door.handler import Handler
from predictors.translator.model import Translator
from predictors.translator.pair import PairTranslator
from tests.fakes import TO_FRENCH, translator
from tests.predictors.translator.fake import FakeEngine, FakeStrategy


def handler(answer: Callable[[str], str] = str.upper) -> Handler:
    handler = Handler(translator("translate-en-fr", FakeEngine(), FakeStrategy(answer), TO_FRENCH))
    handler.load()
    return handler


def body(*instances: Any) -> bytes:
    return json.dumps({"instances": instances}).encode()


GOOD = body({"user_input": "salut", "response_en": "hello", "language": "fr"})


@pytest.mark.parametrize(
    ("sent", "status", "where"),
    [
        (b"", 400, "body"),
        (b"{", 400, "body"),
        (b"[]", 400, "body"),
        (b"{}", 400, "instances"),
        (body(), 400, "instances"),
        (body("hello"), 400, "instances[0]"),
        (body({"response_en": "hello"}), 400, "instances[0].user_input"),
        (body({"user_input": "salut"}), 400, "instances[0].response_en"),
        (body({"user_input": "salut", "response_en": " "}), 400, "instances[0].response_en"),
        (body({"user_input": "salut", "response_en": 5}), 400, "instances[0].response_en"),
        (body({"user_input": "salut", "sauce": "x"}), 400, "instances[0].sauce"),
        (body({"user_input": "a" * 10_001}), 413, "instances[0].user_input"),
    ],
)
async def test_bad_input_is_named_and_the_next_request_is_served(
    sent: bytes, status: int, where: str
) -> None:
    door = handler()
    answer = await door.answer(sent)
    assert answer.status == status
    assert json.loads(answer.body)["error"].startswith(where + ":")
    again = await door.answer(GOOD)
    assert again.status == 200
    assert json.loads(again.body)["predictions"][0]["response"] == "HELLO"


async def test_a_model_that_fails_is_a_500_where_the_operator_wants_it() -> None:
    def fail(text: str) -> str:
        raise EngineError("fake: the engine stopped answering")

    strict = PairTranslator(TO_FRENCH, FakeStrategy(fail), degrades=False)
    door = Handler(Translator("translate-en-fr", FakeEngine(), [strict]))
    door.load()
    answer = await door.answer(GOOD)
    told = json.loads(answer.body)
    assert (answer.status, told) == (
        500,
        {"error": "fake: the engine stopped answering", "request_id": told["request_id"]},
    )
