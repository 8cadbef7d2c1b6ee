"""Generation settings: transformers' meanings, and CTranslate2's words for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import ModelError
from predictors.checkpoints.ctranslate2_options import (
    begins_with,
    decoder_options,
    encoder_ngrams,
    forbidden_beginnings,
    has_any,
    translation_options,
)
from predictors.checkpoints.generation import (
    Generation,
    Task,
    apply_sampling,
    cut_at_stop,
    read_generation,
    settings_for,
    stated_max_new_tokens,
)
from predictors.engine import Sampling

# The generation config of facebook/blenderbot-400M-distill.
BLENDERBOT = {
    "num_beams": 10,
    "length_penalty": 0.65,
    "min_length": 20,
    "max_length": 60,
    "no_repeat_ngram_size": 3,
    "encoder_no_repeat_ngram_size": 3,
    "forced_eos_token_id": 2,
}


def test_lengths_are_translated_and_not_copied():
    generation = read_generation(BLENDERBOT)
    # The start token is counted by transformers, in both lengths.
    assert (generation.max_new_tokens, generation.min_new_tokens) == (59, 19)
    options = translation_options(generation, ())
    # The last token is the forced end token, which CTranslate2 would not count.
    assert (options["max_decoding_length"], options["min_decoding_length"]) == (58, 19)
    assert (options["beam_size"], options["length_penalty"]) == (10, 0.65)
    assert options["no_repeat_ngram_size"] == 3


@pytest.mark.parametrize(
    ("config", "most"),
    [({}, 20), ({"max_length": 20}, 19), ({"max_new_tokens": 7, "max_length": 99}, 7)],
)
def test_a_length_that_is_not_said_is_transformers_own(config, most):
    assert read_generation(config).max_new_tokens == most


@pytest.mark.parametrize(
    ("config", "prompt_length", "stated"),
    [
        ({}, 1, None),
        ({"max_length": 60}, 1, 59),
        ({"max_length": 60}, 0, 60),
        ({"max_new_tokens": 7, "max_length": 99}, 1, 7),
    ],
)
def test_a_maximum_is_known_only_where_the_checkpoint_states_it(config, prompt_length, stated):
    assert stated_max_new_tokens(config, prompt_length) == stated


def test_a_setting_that_is_not_read_is_refused_by_name():
    with pytest.raises(ModelError, match="penalty_alpha=0.6: not supported"):
        read_generation({"penalty_alpha": 0.6})
    with pytest.raises(ModelError, match="repetition_penalty=1.2 with beams"):
        translation_options(Generation(num_beams=2, repetition_penalty=1.2), ())


def test_a_caller_asks_over_the_checkpoint_and_never_over_the_positions():
    base = read_generation(BLENDERBOT)
    assert apply_sampling(base, Sampling(), 128) == base
    assert apply_sampling(base, Sampling(max_tokens=500), 128).max_new_tokens == 128
    short = apply_sampling(base, Sampling(max_tokens=5), 128)
    assert (short.max_new_tokens, short.min_new_tokens) == (5, 4)
    sampled = apply_sampling(base, Sampling(temperature=0.7), 128)
    assert (sampled.do_sample, sampled.temperature, sampled.num_beams) == (True, 0.7, 1)
    greedy = apply_sampling(base, Sampling(temperature=0.0, num_beams=1), 128)
    assert (greedy.do_sample, greedy.num_beams) == (False, 1)


@given(
    st.integers(1, 600),
    st.integers(0, 600),
    st.none() | st.integers(1, 600),
    st.integers(1, 600),
    st.booleans(),
)
def test_lengths_never_ask_for_the_impossible(most, least, wanted, positions, forced):
    config = {"max_length": most, "min_length": least}
    config |= {"forced_eos_token_id": 2} if forced else {}
    generation = apply_sampling(read_generation(config), Sampling(max_tokens=wanted), positions)
    options = translation_options(generation, ())
    assert 0 <= options["min_decoding_length"] < generation.max_new_tokens <= positions
    assert 0 <= options["max_decoding_length"] <= positions


def test_a_task_is_known_by_its_prefix():
    tasks = {"translation_en_to_fr": Task("translate: ", {"num_beams": 4})}
    assert settings_for("translate: Hi", {"num_beams": 1}, tasks)["num_beams"] == 4
    assert settings_for("Hi", {"num_beams": 1}, tasks) == {"num_beams": 1}


def test_ngrams_of_the_source_are_each_named_once():
    assert encoder_ngrams("a b a b a".split(), 3) == (("a", "b", "a"), ("b", "a", "b"))
    assert encoder_ngrams(["a"], 3) == () == encoder_ngrams("a b c".split(), 0)


def test_what_a_source_forbids_is_seen_in_an_answer():
    ngrams = encoder_ngrams("<s> a b c".split(), 3)
    beginnings = forbidden_beginnings(ngrams, "<s>")
    assert beginnings == (("a", "b"),) and forbidden_beginnings(ngrams, "x") == ()
    assert has_any("x a b c".split(), ngrams) and not has_any("a b x c".split(), ngrams)
    assert not has_any(["a"], ngrams) and not has_any("a b c".split(), ())
    assert begins_with("a b x".split(), beginnings) and not begins_with("x a b".split(), beginnings)


def test_what_a_causal_model_cannot_carry_over_is_refused_by_name():
    for name, generation in (
        ("num_beams", Generation(num_beams=2)),
        ("no_repeat_ngram_size", Generation(no_repeat_ngram_size=3)),
    ):
        with pytest.raises(ModelError, match=f"{name}: not supported for a causal"):
            decoder_options(generation, ())
    with pytest.raises(ModelError, match="bad_words_ids: not supported"):
        decoder_options(Generation(), (("a", "b"),))
    assert decoder_options(Generation(max_new_tokens=9), (("a",),), given=4)["max_length"] == 13


def test_a_text_ends_at_the_first_stop():
    assert cut_at_stop("one\ntwo. three", Sampling(stop=(".", "\n"))) == "one"
    assert cut_at_stop("one", Sampling(stop=(".",))) == "one"
