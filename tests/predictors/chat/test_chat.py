"""The chat predictor: history, context, answers."""

import pytest

from graph import contract
from graph.errors import RequestError, TooLarge
from graph.turn.answers import whole_sentences
from predictors.chat.model import Chat
from predictors.chat.prompt import (
    ChatTemplatePrompt,
    with_roles,
)
from predictors.engine import Message, Sampling
from tests.fakes import FakeEngine


def chat(reply=lambda text: f"You said {text}.", context=2048, max_tokens=20):
    engine = FakeEngine(reply, context)
    return engine, Chat(
        "chat", engine, ChatTemplatePrompt("Be kind."), Sampling(max_tokens=max_tokens)
    )


async def test_it_answers_the_english_and_grows_the_history_by_two():
    engine, model = chat()
    instance = {
        "user_input": "Bonjour",
        "user_input_en": "Hello",
        "language": "fr",
        "history": ["hi", "hello there"],
    }
    [prediction] = await model.predict([instance])
    assert prediction["response_en"] == "You said Hello."
    assert prediction["history"] == ["hi", "hello there", "Hello", "You said Hello."]
    assert "response" not in prediction
    assert [step["name"] for step in prediction["steps"]] == ["chat"]
    assert engine.prompts == [
        (
            Message("system", "Be kind."),
            Message("user", "hi"),
            Message("assistant", "hello there"),
            Message("user", "Hello"),
        )
    ]


@pytest.mark.parametrize("language", [{}, {"language": "en"}])
async def test_alone_or_in_english_it_sets_the_response_too(language):
    _, model = chat()
    [prediction] = await model.predict([{"user_input": "Hello", **language}])
    assert prediction["response"] == prediction["response_en"] == "You said Hello."
    assert prediction["user_input_en"] == "Hello"


async def test_a_language_that_the_model_speaks_needs_no_translator():
    engine = FakeEngine(lambda text: "Bien, gracias.", 2048)
    model = Chat(
        "chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=20), languages=("en", "es")
    )
    [prediction] = await model.predict([{"user_input": "¿Cómo estás?", "language": "es"}])
    assert prediction["response"] == "Bien, gracias."
    assert prediction["history"] == ["¿Cómo estás?", "Bien, gracias."]
    with pytest.raises(RequestError, match="'it' is not served.*served are en, es"):
        await model.predict([{"user_input": "Come stai?", "language": "it"}])


async def test_control_characters_of_the_model_reach_neither_the_next_step_nor_the_next_turn():
    _, model = chat(lambda text: "\x07Fine\x00, thanks.\n")
    [prediction] = await model.predict([{"user_input": "Hello"}])
    assert prediction["response"] == "Fine, thanks."
    contract.read_instances({"instances": [prediction]})


async def test_a_batch_keeps_its_order():
    _, model = chat()
    predictions = await model.predict([{"user_input": str(i)} for i in range(9)])
    assert [p["response"] for p in predictions] == [f"You said {i}." for i in range(9)]


async def test_the_oldest_turns_go_first_and_the_new_message_never():
    engine, model = chat(context=32, max_tokens=10)
    history = [f"{word} {i}" for i in range(20) for word in ("question", "answer")]
    [prediction] = await model.predict([{"user_input": "the new message", "history": history}])
    [prompt] = engine.prompts
    assert prompt[0] == Message("system", "Be kind.")
    assert prompt[-1] == Message("user", "the new message")
    # 22 tokens of room, 2 for the system prompt, 3 for the message: 8 texts of 2 tokens fit.
    assert [m.content for m in prompt[1:-1]] == history[-8:]
    assert prompt[1].role == "user"
    assert prediction["history"][:40] == history
    assert prediction["degraded"] == [{"step": "chat", "reason": "history-cut"}]


async def test_a_turn_that_lacks_nothing_has_no_such_field():
    _, model = chat()
    [prediction] = await model.predict([{"user_input": "hi", "history": ["hello", "there"]}])
    assert "degraded" not in prediction


async def test_a_message_that_cannot_fit_is_refused_by_name():
    _, model = chat(context=32, max_tokens=10)
    with pytest.raises(TooLarge) as caught:
        await model.predict([{"user_input": "hi"}, {"user_input": "word " * 40}])
    assert caught.value.field == "instances[1].user_input"


async def test_an_empty_answer_is_tried_once_more():
    answers = iter(["", "Here I am."])
    engine, model = chat(lambda text: next(answers))
    [prediction] = await model.predict([{"user_input": "hi"}])
    assert prediction["response"] == "Here I am."
    assert engine.samplings[1].temperature > 0
    assert "degraded" not in prediction


@pytest.mark.parametrize("language", [{}, {"language": "fr", "user_input_en": "hi"}])
async def test_no_answer_twice_is_a_turn_without_one_that_says_so(language):
    _, mute = chat(lambda text: "" if text == "hi" else "Fine.")
    turn = {"user_input": "hi", "history": ["a", "b"], **language}
    mute_turn, other = await mute.predict([turn, {"user_input": "hello"}])
    assert mute_turn["response_en"] == mute_turn["response"] == ""
    assert mute_turn["history"] == ["a", "b"]
    assert mute_turn["degraded"] == [{"step": "chat", "reason": "no-answer"}]
    assert other["response"] == "Fine."
    assert "degraded" not in other
    contract.check_predictions([mute_turn, other])


async def test_a_message_without_a_translation_is_not_answered_and_stays_a_turn():
    engine, model = chat()
    lost = [{"step": "translate-fr-en", "reason": "quality"}]
    turn = {"user_input": "Bof", "user_input_en": "", "language": "fr", "degraded": lost}
    passed_on, other = await model.predict([turn, {"user_input": "hello"}])
    assert passed_on == {**turn, "response_en": "", "response": "", "history": []}
    assert other["response"] == "You said hello."
    assert len(engine.prompts) == 1
    with pytest.raises(RequestError, match="'fr' is not served"):
        await model.predict([{"user_input": "Bof", "user_input_en": "", "language": "fr"}])


async def test_an_answer_cut_at_the_limit_ends_with_its_last_sentence():
    _, model = chat(lambda text: "One two. Three four five", max_tokens=5)
    [prediction] = await model.predict([{"user_input": "hi"}])
    assert prediction["response"] == "One two."


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("One. Two", "One."),
        ('He said "yes." Then', 'He said "yes."'),
        ("no end at all", "no end at all"),
        ("Version 3.5 of", "Version 3.5 of"),
        ("Really?! Then", "Really?!"),
    ],
)
def test_whole_sentences(text, whole):
    assert whole_sentences(text) == whole


def test_roles_alternate_back_from_the_newest_answer():
    assert [m.role for m in with_roles(["a", "b", "c"])] == ["assistant", "user", "assistant"]
