"""Which instances a translator works on, and how a text comes through."""

import pytest

from graph.contract import Instance
from graph.errors import EngineError, RequestError
from predictors.translator.model import Translator
from tests.fakes import TO_ENGLISH, TO_FRENCH, translator
from tests.predictors.translator.fake import FakeEngine, FakeStrategy


def to_english(strategy: FakeStrategy, engine: FakeEngine | None = None) -> Translator:
    return translator("translate-fr-en", engine or FakeEngine(), strategy, TO_ENGLISH)


def from_english(strategy: FakeStrategy) -> Translator:
    return translator("translate-en-fr", FakeEngine(), strategy, TO_FRENCH)


async def translated(text: str, strategy: FakeStrategy) -> str:
    [prediction] = await to_english(strategy).predict([{"user_input": text}])
    return str(prediction["user_input_en"])


async def test_an_instance_comes_back_whole_with_its_translation_and_a_step() -> None:
    instance = {"user_input": "bonjour", "language": "fr", "history": ["a", "b"], "route": "fr"}
    [prediction] = await to_english(FakeStrategy()).predict([instance])
    [step] = prediction.pop("steps")
    assert prediction == {**instance, "user_input_en": "BONJOUR"}
    assert (step["name"], step["model"]) == ("translate-fr-en", "fake")
    assert step["seconds"] >= 0


@pytest.mark.parametrize("language", ["it", "en"])
async def test_another_language_is_left_alone(language: str) -> None:
    instance: Instance = {"user_input": "ciao", "language": language}
    strategy = FakeStrategy()
    assert await to_english(strategy).predict([dict(instance)]) == [instance]
    english: Instance = {**instance, "response_en": "hi"}
    assert await from_english(strategy).predict([dict(english)]) == [english]
    assert strategy.asked == []


async def test_a_batch_may_mix_languages_and_keeps_its_order() -> None:
    strategy = FakeStrategy()
    batch: list[Instance] = [
        {"user_input": "un", "language": "fr"},
        {"user_input": "due", "language": "it"},
        {"user_input": "trois"},
    ]
    predictions = await to_english(strategy).predict(batch)
    assert [p.get("user_input_en") for p in predictions] == ["UN", None, "TROIS"]
    assert [len(p.get("steps", [])) for p in predictions] == [1, 0, 1]
    assert strategy.asked == [["un", "trois"]]


async def test_the_sentences_of_a_whole_request_go_to_the_model_once() -> None:
    strategy = FakeStrategy()
    texts = ["Bonjour ! Ça va ?", "Ça va ? Oui."]
    await to_english(strategy).predict([{"user_input": text} for text in texts])
    assert strategy.asked == [["Bonjour !", "Ça va ?", "Oui."]]


async def test_a_missing_field_is_named_with_its_instance() -> None:
    batch: list[Instance] = [
        {"user_input": "ciao", "language": "it"},
        {"user_input": "bonjour", "language": "fr"},
    ]
    with pytest.raises(RequestError, match=r"instances\[1\]\.response_en"):
        await from_english(FakeStrategy()).predict(batch)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bonjour !\r\n\r\n  ça va ?\t😀\n", "BONJOUR !\r\n\r\n  ÇA VA ?\t😀\n"),
        ("😀 12 €", "😀 12 €"),
        ("https://a.org/b?c=d", "https://a.org/b?c=d"),
        ("lis :\n```py\nx = un\n```\nfini.", "LIS :\n```py\nx = un\n```\nFINI."),
        ("- un\n- deux", "- UN\n- DEUX"),
    ],
)
async def test_spaces_lines_emoji_and_code_stay(text: str, expected: str) -> None:
    assert await translated(text, FakeStrategy()) == expected


async def test_protected_places_come_through_a_model_that_copies_stand_ins() -> None:
    text = "écris à ana@x.fr avant {date} !"
    assert await translated(text, FakeStrategy()) == "ÉCRIS À ana@x.fr AVANT {date} !"


@pytest.mark.parametrize("lose", ["X1", "X2", " "])
async def test_protected_places_come_through_a_model_that_loses_stand_ins(lose: str) -> None:
    strategy = FakeStrategy(lambda text: text.upper().replace(lose, ""))
    text = "écris à ana@x.fr avant {date}, oui !"
    answer = await translated(text, strategy)
    assert answer.replace(" ", "") == "ÉCRISÀana@x.frAVANT{date},OUI!"
    assert "ana@x.fr" in answer and "{date}" in answer


async def test_a_text_with_its_own_x1_keeps_its_address() -> None:
    answer = await translated("la BMW X1 est sur https://a.org/x", FakeStrategy())
    assert answer == "LA BMW X1 EST SUR https://a.org/x"


async def test_what_the_strategy_raises_goes_up() -> None:
    def fail(text: str) -> str:
        raise EngineError("fake: broken")

    with pytest.raises(EngineError, match="broken"):
        await translated("bonjour", FakeStrategy(fail))


async def test_ten_thousand_characters_are_translated() -> None:
    strategy = FakeStrategy()
    text = ("Il fait beau. Et toi ? " * 500)[:10_000]
    assert await translated(text, strategy) == text.upper()
    assert len(strategy.asked[0]) <= 3


def test_load_and_close_are_the_engines() -> None:
    engine = FakeEngine()
    model = to_english(FakeStrategy(), engine)
    model.load()
    assert engine.loaded
    model.close()
    assert not engine.loaded
