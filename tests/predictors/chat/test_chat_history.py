"""How much of a history the model is given: as much as fits, without reading all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.chat.model import Chat
from predictors.chat.prompt import (
    CHARACTERS_PER_TOKEN,
    ChatTemplatePrompt,
    DoesNotFit,
    fewest_dropped,
)
from predictors.engine import Sampling
from tests.fakes import FakeEngine


@pytest.mark.parametrize("room", range(3, 26))
@pytest.mark.parametrize("texts", [0, 1, 2, 7, 8])
async def test_the_fewest_turns_are_dropped(texts, room):
    """Against the plain search from the front."""
    sizes = [1 + i % 3 for i in range(texts)]

    async def tokens(dropped):
        return 3 + sum(sizes[dropped:])

    choices = [*range(0, texts, 2), texts]
    expected = next(n for n in choices if 3 + sum(sizes[n:]) <= room)
    assert await fewest_dropped(tokens, ["a text"] * texts, room) == expected


async def test_what_does_not_fit_at_all_is_said():
    async def tokens(dropped):
        return 10

    with pytest.raises(DoesNotFit):
        await fewest_dropped(tokens, ["a text"] * 4, 9)


@given(
    sizes=st.lists(st.integers(0, 30), max_size=40),
    message=st.integers(1, 20),
    room=st.integers(1, 120),
)
async def test_as_much_of_a_history_is_kept_as_fits_and_little_more_is_counted(
    sizes, message, room
):
    history = ["a " * size for size in sizes]
    counted = []

    async def tokens(dropped):
        counted.append(sum(sizes[dropped:]))
        return message + counted[-1]

    choices = [*range(0, len(sizes), 2), len(sizes)]
    fitting = [n for n in choices if message + sum(sizes[n:]) <= room]
    if not fitting:
        with pytest.raises(DoesNotFit):
            await fewest_dropped(tokens, history, room)
    else:
        assert await fewest_dropped(tokens, history, room) == fitting[0]
    # What fits, a few rooms' worth of it, and one turn.
    assert max(counted) <= room + CHARACTERS_PER_TOKEN * room + 2 * max(sizes, default=0)


class CountingEngine(FakeEngine):
    """Notes how many tokens it was asked to count."""

    counted = 0

    async def count_tokens(self, prompt):
        tokens = await super().count_tokens(prompt)
        self.counted += tokens
        return tokens


async def test_a_history_of_170_000_words_is_not_read_to_find_what_fits():
    engine = CountingEngine(lambda text: "Yes.", context=600)
    chat = Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=100))
    history = ["word " * 170 for _ in range(1_000)]
    [turn] = await chat.predict([{"user_input": "Hello", "history": history}])
    assert turn["response"] == "Yes."
    assert engine.counted < 10_000
