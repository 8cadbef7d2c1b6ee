"""The chat predictor: history, context, answers."""

import pytest

from graph import contract
from graph.errors import EngineError, TooLarge
from predictors.chat.families import ChatTemplate, DoesNotFit, fewest_dropped, with_roles
from predictors.chat.model import Chat, whole_sentences
from predictors.engine import Message, Sampling
from tests.fakes import FakeEngine


def chat(reply=lambda text: f"You said {text}.", context=2048, max_tokens=20):
    engine = FakeEngine(reply, context)
    return engine, Chat("chat", engine, ChatTemplate("Be kind."), Sampling(max_tokens=max_tokens))


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


async def test_a_message_that_cannot_fit_is_refused_by_name():
    _, model = chat(context=32, max_tokens=10)
    with pytest.raises(TooLarge) as caught:
        await model.predict([{"user_input": "hi"}, {"user_input": "word " * 40}])
    assert caught.value.field == "instances[1].user_input"


async def test_an_empty_answer_is_tried_once_more_and_then_an_error():
    answers = iter(["", "Here I am."])
    engine, model = chat(lambda text: next(answers))
    [prediction] = await model.predict([{"user_input": "hi"}])
    assert prediction["response"] == "Here I am."
    assert engine.samplings[1].temperature > 0
    _, mute = chat(lambda text: " ")
    with pytest.raises(EngineError):
        await mute.predict([{"user_input": "hi"}])


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


@pytest.mark.parametrize("room", range(3, 26))
@pytest.mark.parametrize("texts", [0, 1, 2, 7, 8])
async def test_the_fewest_turns_are_dropped(texts, room):
    """Against the plain search from the front."""
    sizes = [1 + i % 3 for i in range(texts)]

    async def tokens(dropped):
        return 3 + sum(sizes[dropped:])

    choices = [*range(0, texts, 2), texts]
    expected = next(n for n in choices if 3 + sum(sizes[n:]) <= room)
    assert await fewest_dropped(tokens, texts, room) == expected


async def test_what_does_not_fit_at_all_is_said():
    async def tokens(dropped):
        return 10

    with pytest.raises(DoesNotFit):
        await fewest_dropped(tokens, 4, 9)
