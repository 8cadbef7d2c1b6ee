"""Strategy `prompt`: what the model is asked, and what is done when it fails."""

from dataclasses import replace

import pytest

from graph.errors import EngineError, ModelError
from predictors.engine import Message, Sampling
from predictors.translator.examples import Example
from predictors.translator.prompting import PromptStrategy, tidy
from predictors.translator.quality import Judge, Translated, cut_repeats
from tests.predictors.translator.fake import FakeEngine

EXAMPLES = [Example(f"phrase {i}", f"sentence {i}") for i in range(40)]


def strategy(engine: FakeEngine, max_tokens: int = 256) -> PromptStrategy:
    return PromptStrategy(engine, "fr", "en", EXAMPLES, max_tokens)


def texts_of(answers: list[Translated]) -> list[str]:
    """The texts of sound translations."""
    assert not any(answer.poor for answer in answers)
    return [answer.text for answer in answers]


class Scripted:
    """Answers one after the other, the last for ever."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def __call__(self, text: str) -> str:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def test_a_base_model_sees_examples_and_the_text_last() -> None:
    engine = FakeEngine()
    assert texts_of(await strategy(engine).translate(["bonjour"])) == ["ruojnob"]
    [([prompt], sampling)] = engine.calls
    assert isinstance(prompt, str)
    assert "phrase 0" in prompt and "sentence 0" in prompt
    assert prompt.index("phrase 0") < prompt.index("bonjour")
    assert prompt == prompt.rstrip()
    assert sampling.temperature == 0.0
    assert "\n" in sampling.stop


async def test_control_characters_of_the_model_are_left_out() -> None:
    engine = FakeEngine(lambda text: "good\x1a morning\x7f")
    assert texts_of(await strategy(engine).translate(["bonjour"])) == ["good morning"]


async def test_every_prompt_of_a_pair_begins_with_the_same_text() -> None:
    engine = FakeEngine()
    await strategy(engine).translate(["bonjour", "au revoir"])
    [(prompts, _)] = engine.calls
    first, second = map(str, prompts)
    shared = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert shared > 0.8 * len(first)


async def test_a_tuned_model_is_told_in_its_own_template() -> None:
    engine = FakeEngine(lambda text: f'"{text[::-1]}"', has_chat_template=True)
    assert texts_of(await strategy(engine).translate(["bonjour"])) == ["ruojnob"]
    [([prompt], _)] = engine.calls
    assert isinstance(prompt, tuple)
    assert prompt[0].role == "system" and "from French to English" in prompt[0].content
    assert prompt[-1] == Message("user", "bonjour")
    assert [message.role for message in prompt[1:3]] == ["user", "assistant"]


async def test_texts_of_like_length_share_a_call_and_its_bound_follows_the_length() -> None:
    engine = FakeEngine()
    words = " ".join(f"mot{i}" for i in range(40))
    texts = ["oui", "non merci", words, "bien"]
    assert texts_of(await strategy(engine).translate(texts)) == [text[::-1] for text in texts]
    bounds = {sampling.max_tokens: len(prompts) for prompts, sampling in engine.calls}
    assert sorted(bounds.values()) == [1, 3]
    assert min(b for b in bounds if b) < 40 and max(b for b in bounds if b) <= 256


async def test_max_tokens_is_never_exceeded() -> None:
    engine = FakeEngine()
    await strategy(engine, max_tokens=10).translate(["le chat dort dans la maison"])
    assert [sampling.max_tokens for _, sampling in engine.calls] == [10]


@pytest.mark.parametrize(
    "failure", ["", "   ", "je suis là", "Je suis là !", "I am " * 40, "here here here here here"]
)
async def test_a_doubtful_answer_is_tried_once_more_in_another_way(failure: str) -> None:
    engine = FakeEngine(Scripted(failure, "I am here"))
    assert texts_of(await strategy(engine).translate(["je suis là"])) == ["I am here"]
    first, second = (sampling for _, sampling in engine.calls)
    assert first.temperature == 0.0
    assert second.temperature and second.seed is not None


async def test_only_the_doubtful_answers_are_tried_again() -> None:
    engine = FakeEngine(lambda text: "" if text == "non" and len(engine.calls) == 1 else "fine")
    assert texts_of(await strategy(engine).translate(["oui", "non"])) == ["fine", "fine"]
    assert [len(prompts) for prompts, _ in engine.calls] == [2, 1]


async def test_nothing_twice_is_poor_and_never_the_source() -> None:
    engine = FakeEngine(lambda text: "")
    assert await strategy(engine).translate(["je suis là"]) == [Translated("", poor=True)]
    assert len(engine.calls) == 2


async def test_a_runaway_answer_is_cut_where_it_repeats_itself() -> None:
    engine = FakeEngine(lambda text: "Hello my friend. " * 30)
    assert texts_of(await strategy(engine).translate(["salut"])) == ["Hello my friend."]


async def test_a_loop_within_a_sentence_is_cut_and_counts_as_poor() -> None:
    engine = FakeEngine(lambda text: "my friend " * 30)
    assert await strategy(engine).translate(["mon ami"]) == [Translated("my friend", poor=True)]
    assert len(engine.calls) == 2


async def test_a_source_that_comes_back_twice_is_its_own_translation() -> None:
    engine = FakeEngine(lambda text: text)
    assert texts_of(await strategy(engine).translate(["New York City"])) == ["New York City"]
    assert len(engine.calls) == 2


async def test_one_word_may_come_back_at_once() -> None:
    engine = FakeEngine(lambda text: text)
    assert texts_of(await strategy(engine).translate(["Paris"])) == ["Paris"]
    assert len(engine.calls) == 1


async def test_what_the_engine_raises_goes_up() -> None:
    class Broken(FakeEngine):
        async def generate(self, prompts: object, sampling: Sampling) -> list[str]:
            raise EngineError("fake: out of memory")

    with pytest.raises(EngineError, match="out of memory"):
        await strategy(Broken()).translate(["bonjour"])


@pytest.mark.parametrize(
    ("source", "answer", "tidied"),
    [
        ("oui", ' "yes" ', "yes"),
        ("oui", "« yes »", "yes"),
        ('"oui"', '"yes"', '"yes"'),
        ("oui et non", '"yes" and "no"', '"yes" and "no"'),
        ("c'est", "'tis", "'tis"),
        ("oui", '"', '"'),
    ],
)
def test_quotes_around_an_answer_go_where_the_source_had_none(
    source: str, answer: str, tidied: str
) -> None:
    assert tidy(source, answer) == tidied


def test_a_source_that_repeats_itself_may_be_translated_so() -> None:
    assert not Judge("en").is_doubtful("non non non non non", "no no no no no")


def test_a_script_of_few_characters_may_have_a_translation_of_many() -> None:
    source = "我们明天早上在火车站前面见面，然后一起去博物馆。"
    english = (
        "Tomorrow morning we will meet in front of the railway station, and then we will go to the "
        "museum together."
    )
    assert not Judge("en").is_doubtful(source, english)
    assert Judge("en").is_doubtful("Demain matin, on se voit.", english)


@pytest.mark.parametrize("text", ["It is fine.", "no no", "ha ha ha", "100000 euros", "..."])
def test_everyday_text_is_no_repetition(text: str) -> None:
    assert cut_repeats(text) == text


@pytest.mark.parametrize(
    ("source", "answer", "expected"),
    [
        ("Bon matin !", "Good morning! Did you sleep well?", "Good morning!"),
        ("Ça va ? Tu viens ?", "Are you well? Are you coming?", "Are you well? Are you coming?"),
        ("M. Martin dort.", "Mr. Martin is asleep.", "Mr. Martin is asleep."),
        ("Il arrive à 17 h.", "He arrives at 5 p.m. today.", "He arrives at 5 p.m. today."),
    ],
)
async def test_a_short_text_gets_no_sentence_that_it_did_not_say(source, answer, expected) -> None:
    assert texts_of(await strategy(FakeEngine(lambda text: answer)).translate([source])) == [
        expected
    ]


@pytest.mark.parametrize(
    ("target", "expected"), [("en", "I try. Thanks!"), ("fr", "I try. Thanks !")]
)
async def test_the_french_space_before_a_mark_stays_in_french(target, expected) -> None:
    source = {"en": "fr", "fr": "en"}[target]
    asked = PromptStrategy(FakeEngine(lambda text: "I try. Thanks !"), source, target, EXAMPLES, 64)
    assert texts_of(await asked.translate(["J'essaie. Merci bien !"])) == [expected]


async def test_a_long_text_keeps_all_sentences_of_its_translation() -> None:
    source = "Il pleut depuis trois jours, " + "et personne ne sait quand cela finira, " * 2
    answer = "It has rained for three days. Nobody knows when it will stop. We wait for the sun."
    assert texts_of(await strategy(FakeEngine(lambda text: answer)).translate([source])) == [answer]


async def test_an_answer_far_longer_than_a_short_text_is_tried_once_more() -> None:
    engine = FakeEngine(Scripted("No, I have never seen him before", "No, sir."))
    assert texts_of(await strategy(engine).translate(["Non !"])) == ["No, sir."]
    assert len(engine.calls) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Phrase 3.", "sentence 3"), ("phrase 3", "sentence 3"), ("PHRASE  3 !", "sentence 3")],
)
async def test_a_text_that_is_an_example_is_translated_as_the_example_says(text, expected) -> None:
    engine = FakeEngine()
    assert texts_of(await strategy(engine).translate(["oui", text, "non"])) == [
        "iuo",
        expected,
        "non",
    ]
    assert [len(prompts) for prompts, _ in engine.calls] == [2]


async def test_a_question_is_not_taken_for_the_same_words_as_a_statement() -> None:
    examples = [Example("Ça va ?", "How are you?"), Example("Ça va.", "I am fine.")]
    asked = PromptStrategy(FakeEngine(), "fr", "en", examples, None)
    assert texts_of(await asked.translate(["ça va ?", "Ça va !", "Ça va"])) == [
        "How are you?",
        "I am fine.",
        "I am fine",
    ]


def test_a_base_model_without_examples_is_refused_with_the_choice() -> None:
    message = r"none for Swahili \(sw\); choose from de, es, fr, it, add sw\.tsv .*--examples"
    with pytest.raises(ModelError, match=message):
        PromptStrategy(FakeEngine(), "sw", "en", [], None).check()
    PromptStrategy(FakeEngine(has_chat_template=True), "sw", "en", [], None).check()
    strategy(FakeEngine()).check()


@pytest.mark.parametrize(("own", "bound"), [(None, 256), (40, 40)])
async def test_without_a_maximum_the_checkpoints_own_holds(own, bound) -> None:
    engine = FakeEngine()
    engine.info = replace(engine.info, max_new_tokens=own)
    await PromptStrategy(engine, "fr", "en", EXAMPLES, None).translate(["mot " * 300])
    assert [sampling.max_tokens for _, sampling in engine.calls] == [bound]
