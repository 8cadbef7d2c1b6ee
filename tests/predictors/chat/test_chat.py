"""The chat predictor: history, context, answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import contract
from graph.errors import ModelError, RequestError, TooLarge
from predictors.chat.__main__ import PROG, ChatSettings, build, make_chat
from predictors.chat.examples import EXAMPLE_TURNS, ExampleTurn, load_example_turns
from predictors.chat.model import Chat, whole_sentences
from predictors.chat.prompt import (
    CHARACTERS_PER_TOKEN,
    ChatTemplatePrompt,
    DoesNotFit,
    PromptByModel,
    fewest_dropped,
    with_roles,
)
from predictors.engine import EngineInfo, Message, Sampling
from predictors.settings import OptionError, read_settings
from tests.fakes import FakeEngine
from tests.predictors.chat.measure import DATA, ENGLISH, read_rows


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


@pytest.mark.parametrize(
    ("languages", "message"),
    [("en,Spanish", "'Spanish' is no language code"), ("es", "en must be among them")],
)
def test_spoken_languages_are_codes_with_english_among_them(languages, message):
    with pytest.raises(OptionError, match=message):
        build([*MODEL, f"--languages={languages}"], {})


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
