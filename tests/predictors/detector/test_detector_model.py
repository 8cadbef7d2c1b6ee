from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import contract
from graph.errors import NotReady, RequestError
from predictors.detector.model import Detector
from predictors.door.handler import Handler

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip)
SERVED = st.sampled_from(["en", "fr", "it"])
INSTANCES = st.lists(
    st.fixed_dictionaries(
        {"user_input": TEXTS},
        optional={"language": SERVED, "previous_language": SERVED, "history": st.lists(TEXTS)},
    ),
    min_size=1,
    max_size=8,
)


async def predict_one(detector: Detector, **fields: Any) -> dict[str, Any]:
    [prediction] = await detector.predict([{"user_input": "Bonjour, ça va ?", **fields}])
    return prediction


async def test_a_french_turn_carries_language_confidence_and_route(detector: Detector) -> None:
    prediction = await predict_one(detector, history=["hi", "hello"])
    [step] = prediction.pop("steps")
    assert prediction.pop("language_confidence") > 0.9
    assert prediction == {
        "user_input": "Bonjour, ça va ?",
        "history": ["hi", "hello"],
        "language": "fr",
        "route": "fr",
    }
    assert step["name"] == "detector"
    assert step["model"].startswith("lingua-2")
    assert step["seconds"] >= 0


async def test_an_english_turn_is_its_own_english(detector: Detector) -> None:
    prediction = await predict_one(detector, user_input="How are you today?")
    assert prediction["route"] == "en"
    assert prediction["user_input_en"] == "How are you today?"


async def test_the_users_choice_wins_with_confidence_one(detector: Detector) -> None:
    prediction = await predict_one(detector, language="it", previous_language="en")
    assert (prediction["language"], prediction["language_confidence"]) == ("it", 1.0)
    assert "user_input_en" not in prediction


def test_the_users_choice_needs_no_other_thread(detector: Detector) -> None:
    work = detector.predict([{"user_input": "Ciao", "language": "it"}])
    # A thread could only be waited for in an event loop, and here is none.
    with pytest.raises(StopIteration) as ended:
        work.send(None)
    assert ended.value.value[0]["language"] == "it"


async def test_a_batch_of_several_languages_takes_the_mixed_route(detector: Detector) -> None:
    texts = ["Good morning to you", "Où est la gare ?", "Vorrei un caffè, grazie"]
    predictions = await detector.predict([{"user_input": text} for text in texts])
    assert [p["language"] for p in predictions] == ["en", "fr", "it"]
    assert [p["route"] for p in predictions] == ["mixed"] * 3
    assert ["user_input_en" in p for p in predictions] == [True, False, False]


async def test_a_batch_of_one_language_takes_its_route(detector: Detector) -> None:
    texts = ["Où est la gare ?", "Il fait beau ce matin."]
    predictions = await detector.predict([{"user_input": text} for text in texts])
    assert [p["route"] for p in predictions] == ["fr", "fr"]


async def test_the_previous_language_decides_a_shared_word(detector: Detector) -> None:
    for previous in ("fr", "it"):
        prediction = await predict_one(detector, user_input="non", previous_language=previous)
        assert prediction["language"] == previous


@pytest.mark.parametrize("field", ["language", "previous_language"])
async def test_a_language_that_is_not_served_is_refused(detector: Detector, field: str) -> None:
    good = {"user_input": "hi"}
    with pytest.raises(RequestError) as caught:
        await detector.predict([good, {"user_input": "hallo", field: "de"}])
    assert str(caught.value) == f"instances[1].{field}: 'de' is not served; served are en, fr, it"


async def test_nothing_is_predicted_before_the_load_or_after_the_close() -> None:
    detector = Detector("detector", ("en",), "en")
    with pytest.raises(NotReady):
        await detector.predict([{"user_input": "hi"}])
    detector.load()
    assert (await detector.predict([{"user_input": "hi"}]))[0]["language_confidence"] == 1
    detector.close()
    with pytest.raises(NotReady):
        await detector.predict([{"user_input": "hi"}])


async def test_the_event_loop_runs_on_while_a_batch_is_recognised(detector: Detector) -> None:
    long = [{"user_input": "Il était une fois un petit ours. " * 300} for _ in range(64)]
    work = asyncio.create_task(detector.predict(long))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(work.result()) == 64
    assert turns > 10


async def test_requests_at_the_same_time_do_not_mix(detector: Detector) -> None:
    texts = {"en": "What a lovely morning", "fr": "Quelle belle matinée", "it": "Che bella mattina"}
    work = [detector.predict([{"user_input": text}]) for text in list(texts.values()) * 20]
    answers = await asyncio.gather(*work)
    assert [answer[0]["language"] for answer in answers] == list(texts) * 20


@settings(deadline=None)
@given(instances=INSTANCES)
def test_any_batch_keeps_its_order_and_its_fields(
    detector: Detector, instances: list[dict[str, Any]]
) -> None:
    predictions = asyncio.run(detector.predict([dict(instance) for instance in instances]))
    for instance, prediction in zip(instances, predictions, strict=True):
        chosen = instance.get("language", prediction["language"])
        assert {**prediction, **instance} == prediction
        assert prediction["language"] == chosen
        assert 0 <= prediction["language_confidence"] <= 1
        assert ("language" in instance) <= (prediction["language_confidence"] == 1)
    languages = {prediction["language"] for prediction in predictions}
    routes = {prediction["route"] for prediction in predictions}
    assert routes == (languages if len(languages) == 1 else {"mixed"})
    contract.read_instances({"instances": predictions})


BAD_INPUT = [
    (b"", 400, "body"),
    (b"{", 400, "body"),
    (b"[]", 400, "body"),
    (b"{}", 400, "instances"),
    (b'{"instances": []}', 400, "instances"),
    (b'{"instances": ["hi"]}', 400, "instances[0]"),
    (b'{"instances": [{}]}', 400, "instances[0].user_input"),
    (b'{"instances": [{"user_input": "hi"}, {"user_input": " "}]}', 400, "instances[1].user_input"),
    (b'{"instances": [{"user_input": 5}]}', 400, "instances[0].user_input"),
    (b'{"instances": [{"user_input": "hi", "history": "hi"}]}', 400, "instances[0].history"),
    (b'{"instances": [{"user_input": "hi", "language": "xx"}]}', 400, "instances[0].language"),
    (b'{"instances": [{"user_input": "hi", "language": 5}]}', 400, "instances[0].language"),
    (b'{"instances": [{"user_input": "hi", "route": "en"}]}', 400, "instances[0].route"),
    (b'{"instances": [{"user_input": "hi", "steps": []}]}', 400, "instances[0].steps"),
    (b'{"instances": [{"user_input": "hi", "colour": 1}]}', 400, "instances[0].colour"),
    (json.dumps({"user_input": "x" * 10_001}).encode(), 413, "user_input"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD_INPUT)
async def test_bad_input_is_refused_by_name(
    detector: Detector, body: bytes, status: int, field: str
) -> None:
    handler = Handler(detector)
    handler.loaded = True
    answer = await handler.answer(body)
    assert (answer.status, list(json.loads(answer.body))) == (status, ["error", "request_id"])
    assert json.loads(answer.body)["error"].startswith(f"{field}: ")
    good = await handler.answer(b'{"user_input": "Bonjour tout le monde"}')
    assert (good.status, json.loads(good.body)["predictions"][0]["language"]) == (200, "fr")
