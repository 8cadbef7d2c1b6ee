"""Models made for translation, one or many languages, and those that are told what to do."""

from dataclasses import replace

import pytest

from graph.errors import ModelError
from predictors.engine import EngineInfo, Sampling, Translation
from predictors.translator.codes import choose_code
from predictors.translator.pair import Pair
from predictors.translator.prompting import PromptStrategy
from predictors.translator.prompts import choose_form
from predictors.translator.quality import Translated
from predictors.translator.seq2seq import Seq2SeqStrategy, StrategyByModel
from tests.fakes import FakeEngine, translator

MARIAN = EngineInfo("echo", 512, family="marian", is_encoder_decoder=True)
FLAN = EngineInfo("echo", 512, family="t5", is_encoder_decoder=True)
T5 = replace(FLAN, tasks={"translation_en_to_fr": "translate English to French: "})


class Echo(FakeEngine):
    """Answers with the whole prompt."""

    def __init__(self, info: EngineInfo, languages: tuple[str, ...] = ()) -> None:
        super().__init__(str)
        self.info = replace(info, languages=languages)

    async def generate(self, prompts, sampling):
        self.samplings.append(sampling)
        return [str(prompt) for prompt in prompts]


def by_model(engine, source="en", target="fr"):
    prompt = PromptStrategy(engine, source, target, [], 64)
    return StrategyByModel(engine, Seq2SeqStrategy(engine, source, target, 64), prompt)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (MARIAN, "Hello."),
        (T5, "translate English to French: Hello."),
        (FLAN, "Translate from English to French:\n\nHello."),
    ],
)
async def test_each_family_is_asked_in_its_own_way(info, expected):
    engine = FakeEngine(lambda text: "Bonjour.")
    engine.info = info
    await by_model(engine).translate(["Hello."])
    assert engine.prompts == [expected]


async def test_a_translator_generates_as_its_checkpoint_says():
    engine = Echo(MARIAN)
    await by_model(engine).translate(["Hello."])
    assert engine.samplings == [Sampling(max_tokens=64)]


async def test_without_a_maximum_the_checkpoints_own_holds():
    engine = Echo(MARIAN)
    await Seq2SeqStrategy(engine, "en", "fr", None).translate(["Hello."])
    assert engine.samplings == [Sampling()]


async def test_a_t5_without_the_pair_is_refused_by_name():
    strategy = by_model(Echo(T5), "it", "en")
    with pytest.raises(ModelError, match="echo: its checkpoint has no task for it to en"):
        strategy.check()


MANY = EngineInfo("echo", 512, family="m2m100", is_encoder_decoder=True)
M2M100 = ("de", "en", "fr", "no", "zh")
MBART50 = ("de_DE", "en_XX", "fr_XX", "sw_KE", "zh_CN")
NLLB = (
    "arb_Arab arz_Arab als_Latn deu_Latn eng_Latn fra_Latn kas_Arab kas_Deva khk_Cyrl lvs_Latn "
    "nob_Latn pes_Arab swh_Latn zho_Hans zho_Hant zsm_Latn"
).split()


@pytest.mark.parametrize(
    ("language", "codes", "expected"),
    [
        ("fr", M2M100, "fr"),
        ("fra", M2M100, "fr"),
        ("nb", M2M100, "no"),
        ("fr", MBART50, "fr_XX"),
        ("sw", MBART50, "sw_KE"),
        ("fr", NLLB, "fra_Latn"),
        ("fra", NLLB, "fra_Latn"),
        ("ar", NLLB, "arb_Arab"),
        ("arz", NLLB, "arz_Arab"),
        ("sq", NLLB, "als_Latn"),
        ("fa", NLLB, "pes_Arab"),
        ("mn", NLLB, "khk_Cyrl"),
        ("no", NLLB, "nob_Latn"),
        ("zh", NLLB, "zho_Hans"),
        # Several scripts, none of them the usual one, or none at all.
        ("kas", NLLB, None),
        ("ba", NLLB, None),
        ("it", MBART50, None),
    ],
)
def test_a_language_has_the_code_of_the_checkpoint(language, codes, expected):
    assert choose_code(language, codes) == expected


async def test_a_model_of_many_languages_is_told_from_which_into_which():
    engine = Echo(MANY, MBART50)
    strategy = Seq2SeqStrategy(engine, "fr", "en", 64)
    strategy.check()
    [asked] = await strategy.translate(["Bonjour."])
    assert asked.text == str(Translation("Bonjour.", "fr_XX", "en_XX"))


def test_a_language_that_the_model_lacks_is_refused_with_what_it_has():
    strategy = by_model(Echo(MANY, M2M100), "it", "en")
    with pytest.raises(ModelError, match="echo: has no language it; it has de, en, fr, no, zh"):
        strategy.check()


def test_a_model_of_many_languages_takes_no_prompt():
    strategy = PromptStrategy(Echo(MANY, M2M100), "fr", "en", [], 64)
    with pytest.raises(ModelError, match="use --strategy=seq2seq"):
        strategy.check()


async def test_a_doubtful_answer_is_tried_once_more_in_another_way():
    engine = FakeEngine(lambda text: "Je suis là." if len(engine.samplings) == 2 else "")
    engine.info = MARIAN
    assert await by_model(engine).translate(["I am here."]) == [Translated("Je suis là.")]
    assert engine.samplings[1] == Sampling(
        max_tokens=64, temperature=0.0, num_beams=1, repetition_penalty=1.2
    )


async def test_nothing_twice_is_poor():
    engine = FakeEngine(lambda text: " ")
    engine.info = MARIAN
    assert await by_model(engine).translate(["I am here."]) == [Translated("", poor=True)]
    assert len(engine.samplings) == 2


def test_a_decoder_without_a_chat_template_is_a_base_model():
    info = EngineInfo("base", 512, family="llama")
    assert choose_form("en", "fr", [], info).stop == ("\n",)
    tuned = replace(info, has_chat_template=True)
    assert choose_form("en", "fr", [], tuned).stop == ()


@pytest.mark.parametrize(
    ("source", "target", "reads", "language", "mine"),
    [
        ("fr", "en", "user_input", "fr", True),
        ("fr", "en", "user_input", "en", False),
        ("en", "fr", "response_en", "fr", True),
        ("en", "fr", "response_en", "en", False),
        # The translator application: what a person says in English becomes Italian.
        ("en", "it", "user_input", "en", True),
        ("en", "it", "user_input", "it", False),
    ],
)
async def test_a_translator_takes_what_is_in_its_language(source, target, reads, language, mine):
    engine = Echo(MARIAN)
    strategy = by_model(engine, source, target)
    model = translator("t", engine, strategy, Pair(source, target, reads, "response"))
    [prediction] = await model.predict([{reads: "Hello.", "language": language}])
    assert ("response" in prediction) is mine


async def test_control_characters_of_the_model_are_left_out():
    assert await by_model(Echo(MARIAN)).translate(["Hel\x07lo."]) == [Translated("Hello.")]
