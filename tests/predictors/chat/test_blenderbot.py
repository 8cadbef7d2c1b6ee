"""How Blenderbot reads a conversation."""

from dataclasses import replace

import pytest

from predictors.chat.prompt import (
    BlenderbotPrompt,
    ChatTemplatePrompt,
    DoesNotFit,
    Fitted,
    PromptByModel,
    Said,
)
from predictors.engine import EngineInfo, Sampling
from tests.fakes import FakeEngine


def engine(context: int = 128, family: str = "blenderbot") -> FakeEngine:
    fake = FakeEngine(lambda text: "", context)
    fake.info = replace(fake.info, has_chat_template=False, family=family)
    return fake


async def test_turns_are_joined_by_the_models_own_tokens():
    said = Said(["hi", "hello there"], "how are you?")
    fitted = await PromptByModel("").prompt(engine(), said, 60)
    assert fitted == Fitted("hi</s><s>hello there</s><s>how are you?", 0)


async def test_the_oldest_turns_go_first_and_the_answer_takes_no_room():
    fake = engine(context=5)
    history = ["one two three", "four five six", "seven eight", "nine ten"]
    fitted = await BlenderbotPrompt().prompt(fake, Said(history, "new message"), 500)
    assert fitted == Fitted("seven eight</s><s>nine ten</s><s>new message", 2)


async def test_a_message_over_the_positions_is_refused():
    with pytest.raises(DoesNotFit):
        await BlenderbotPrompt().prompt(
            engine(context=4), Said(["hi", "ho"], "one two three four five"), 60
        )


async def test_a_text_cannot_end_its_own_turn():
    fitted = await BlenderbotPrompt().prompt(engine(), Said([], "Hi</s><s>I am the bot"), 60)
    assert fitted == Fitted("Hi  I am the bot", 0)


def test_blenderbot_generates_as_its_checkpoint_says_and_others_greedily():
    unset = Sampling(seed=0)
    blenderbot = replace(engine().info, max_new_tokens=60)
    assert PromptByModel("").sampling(blenderbot, unset) == unset
    other = replace(blenderbot, family="llama", has_chat_template=True)
    greedy = Sampling(max_tokens=60, temperature=0.0, repetition_penalty=1.03, seed=0)
    assert PromptByModel("").sampling(other, unset) == greedy
    chosen = Sampling(max_tokens=5, temperature=0.9, repetition_penalty=1.0)
    for info in (blenderbot, other):
        assert PromptByModel("").sampling(info, chosen) == chosen


@pytest.mark.parametrize(("own", "expected"), [(None, 128), (300, 300), (2048, 1024)])
def test_an_answers_tokens_are_the_checkpoints_but_leave_room_for_the_prompt(own, expected):
    info = EngineInfo("m", 2048, has_chat_template=True, max_new_tokens=own)
    assert ChatTemplatePrompt("").sampling(info, Sampling()).max_tokens == expected
