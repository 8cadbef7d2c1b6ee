"""Options of the chat: what is left to the checkpoint, and example turns."""

from dataclasses import replace

import pytest

from graph.errors import ModelError
from predictors.chat.__main__ import PROG, ChatSettings, build, make_chat
from predictors.chat.examples import EXAMPLE_TURNS, ExampleTurn, load_example_turns
from predictors.chat.model import Chat
from predictors.chat.prompt import (
    PromptByModel,
)
from predictors.engine import EngineInfo, Sampling
from predictors.settings import OptionError, read_settings
from tests.fakes import FakeEngine
from tests.predictors.chat.measure import DATA, ENGLISH, read_rows

MODEL = ("--model_name=chat", "--model=openai:m@http://127.0.0.1:9")
BLENDERBOT = EngineInfo("b", 128, family="blenderbot", is_encoder_decoder=True, max_new_tokens=60)
CAUSAL = EngineInfo("c", 2048, has_chat_template=True)


async def asked(argv, info):
    """The sampling that the engine is asked for, with these options and this model."""
    engine = FakeEngine(lambda text: "Fine.")
    engine.info = info
    model = make_chat(read_settings(ChatSettings, [*MODEL, *argv], {}, PROG, ""), engine)
    model.load()
    await model.predict([{"user_input": "Hello"}])
    return engine.samplings[0]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (BLENDERBOT, Sampling(seed=0)),
        (CAUSAL, Sampling(128, temperature=0.0, repetition_penalty=1.03, seed=0)),
        (
            replace(CAUSAL, max_new_tokens=300),
            Sampling(300, temperature=0.0, repetition_penalty=1.03, seed=0),
        ),
    ],
)
async def test_options_that_are_unset_are_left_to_the_checkpoint_or_the_format(info, expected):
    assert await asked([], info) == expected


@pytest.mark.parametrize("info", [BLENDERBOT, CAUSAL])
async def test_options_that_are_set_hold_for_every_model(info):
    argv = ["--max_tokens=40", "--temperature=0.5", "--repetition_penalty=1.2", "--seed=3"]
    expected = Sampling(40, temperature=0.5, repetition_penalty=1.2, seed=3)
    assert await asked(argv, info) == expected


@pytest.mark.parametrize(
    ("languages", "message"),
    [("en,Spanish", "'Spanish' is no language code"), ("es", "en must be among them")],
)
def test_spoken_languages_are_codes_with_english_among_them(languages, message):
    with pytest.raises(OptionError, match=message):
        build([*MODEL, f"--languages={languages}"], {})


async def test_a_base_model_is_refused_at_load_with_what_to_do():
    with pytest.raises(ModelError, match=r"m: has no chat template.*instruction-tuned.*--model"):
        await asked([], EngineInfo("m", 2048))


async def test_an_answer_that_leaves_no_room_is_refused_at_load():
    with pytest.raises(ModelError, match="lower --max_tokens, now 2048"):
        await asked(["--max_tokens=2048"], CAUSAL)


async def test_the_example_turns_stand_between_system_prompt_and_conversation():
    engine = FakeEngine(lambda text: "Fine.")
    turns = (ExampleTurn("Do you sing?", "I do."),)
    model = Chat("chat", engine, PromptByModel("Be kind.", turns), Sampling())
    await model.predict([{"user_input": "Hello", "history": ["hi", "ho"]}])
    [prompt] = engine.prompts
    assert isinstance(prompt, tuple)
    contents = [message.content for message in prompt]
    assert contents == ["Be kind.", "Do you sing?", "I do.", "hi", "ho", "Hello"]
    roles = [message.role for message in prompt]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


def test_example_turns_come_from_parley_or_from_a_file_of_ones_own(tmp_path):
    assert load_example_turns("") == ()
    assert load_example_turns("built-in") == EXAMPLE_TURNS
    file = tmp_path / "turns.tsv"
    file.write_text("# comment\n\nDo you sing?\tI do.\n", encoding="utf-8")
    assert load_example_turns(str(file)) == (ExampleTurn("Do you sing?", "I do."),)


@pytest.mark.parametrize("text", ["one column\n", "a\tb\tc\n", "a\t \n"])
def test_a_file_of_example_turns_that_is_of_another_form_is_named(tmp_path, text):
    file = tmp_path / "turns.tsv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"--example_turns: .*turns\.tsv, line 1"):
        build([*MODEL, f"--example_turns={file}"], {})
    with pytest.raises(ModelError, match=r"--example_turns: .*absent.*built-in"):
        build([*MODEL, f"--example_turns={tmp_path / 'absent'}"], {})


def test_no_example_turn_is_among_the_measured_messages():
    rows = read_rows(DATA / "openings.tsv") + read_rows(DATA / "talks.tsv")
    measured = {bare(row[-1]) for row in rows} | {bare(row[1]) for row in read_rows(ENGLISH)}
    assert len(measured) > 150
    assert not measured & {bare(turn.message) for turn in EXAMPLE_TURNS}


def bare(text):
    return "".join(filter(str.isalnum, text.casefold()))
