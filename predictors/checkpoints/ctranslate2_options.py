"""Generation settings in CTranslate2's words: translated, not copied, for they count differently.

- transformers counts the end token in `max_length`, and forces it as the last token where the
  checkpoint asks for that; CTranslate2 only cuts. So one token less is asked for.
- CTranslate2's `min_decoding_length` counts the tokens before the end token, and is 1 by default.
- CTranslate2 divides a beam's score by its length without the end token, unless that is returned.
- A search without `early_stopping` goes on after as many hypotheses as beams: `patience`.
- n-grams of the source that must not be repeated are suppressed sequences, in a second search.

- A causal model's repetition penalty counts the prompt only if the prompt goes through the loop.

- transformers also takes the decoder's start token for the beginning of an n-gram: where the source
  has `<s> a b` inside it, an answer cannot begin with `a b`. One that does is searched for again.

Three things differ, and tests show each. In that second search `a b` is forbidden further on too.
Where a token is forbidden, a beam's other tokens share its probability here, as with transformers'
`renormalize_logits`, while there it is lost; so beams in which something was forbidden may rank
otherwise. And a causal model's repetition penalty does not count the prompt's first token, which
matters only where no begin token and no chat template come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.generation import Generation
from predictors.checkpoints.tokens import Tokens

Suppressed = tuple[tuple[str, ...], ...]

# Found by measurement against transformers' search that is not stopped early: see the parity tests.
PATIENCE = 2.0


def translation_options(generation: Generation, suppressed: Suppressed) -> dict[str, Any]:
    """Keyword arguments of `Translator.translate_batch`."""
    if generation.num_beams > 1 and generation.repetition_penalty != 1.0:
        raise ModelError(
            f"repetition_penalty={generation.repetition_penalty} with beams: CTranslate2 counts it "
            "otherwise than transformers; use one beam or no penalty"
        )
    options = {
        "max_input_length": 0,
        "max_decoding_length": generation.max_new_tokens - int(generation.forced_eos),
        "min_decoding_length": generation.min_new_tokens,
        "beam_size": generation.num_beams,
        "patience": 1.0 if generation.early_stopping else PATIENCE,
        "length_penalty": generation.length_penalty,
        "no_repeat_ngram_size": generation.no_repeat_ngram_size,
        "repetition_penalty": generation.repetition_penalty,
        "suppress_sequences": [list(sequence) for sequence in suppressed] or None,
        "return_end_token": True,
    }
    return options | (_sampling_options(generation) if generation.do_sample else {})


def decoder_options(
    generation: Generation, suppressed: Suppressed, given: int = 0
) -> dict[str, Any]:
    """Keyword arguments of `Generator.generate_batch`. Raises ModelError for what it has not.

    given: tokens of the prompt after its first, where a repetition penalty counts them; else 0.
    CTranslate2 counts only what its loop has seen, so the prompt then goes through the loop, which
    is slower, and comes back before the answer.
    """
    refused = {
        "num_beams": generation.num_beams > 1,
        "no_repeat_ngram_size": generation.no_repeat_ngram_size > 0,
        "encoder_no_repeat_ngram_size": generation.encoder_no_repeat_ngram_size > 0,
        "bad_words_ids": any(len(word) > 1 for word in suppressed),
    }
    for name, is_used in refused.items():
        if is_used:
            raise ModelError(
                f"generation setting {name}: not supported for a causal model on ctranslate2; "
                "remove it, or use --engine=transformers"
            )
    options = {
        "max_length": given + generation.max_new_tokens,
        "min_length": given + generation.min_new_tokens,
        "beam_size": 1,
        "repetition_penalty": generation.repetition_penalty,
        "suppress_sequences": [list(sequence) for sequence in suppressed] or None,
        "include_prompt_in_result": given > 0,
    }
    return options | (_sampling_options(generation) if generation.do_sample else {})


def _sampling_options(generation: Generation) -> dict[str, Any]:
    return {
        "sampling_temperature": generation.temperature,
        "sampling_topk": generation.top_k,
        "sampling_topp": generation.top_p,
    }


def encoder_ngrams(source: Sequence[str], size: int) -> Suppressed:
    """The distinct n-grams of the source, none where `size` is 0."""
    if not size:
        return ()
    ngrams = (tuple(source[i : i + size]) for i in range(len(source) - size + 1))
    return tuple(dict.fromkeys(ngrams))


def forbidden_beginnings(ngrams: Suppressed, start: str) -> Suppressed:
    """What an answer must not begin with: the rest of each n-gram that begins with the start token.

    transformers counts the decoder's start token as the first of an answer's n-grams; CTranslate2
    does not see it.
    """
    return tuple(ngram[1:] for ngram in ngrams if len(ngram) > 1 and ngram[0] == start)


def has_any(answer: Sequence[str], sequences: Suppressed) -> bool:
    """Whether one of them occurs in the answer."""
    sizes = {len(each) for each in sequences}
    own = {tuple(answer[i : i + n]) for n in sizes for i in range(len(answer) - n + 1)}
    return not own.isdisjoint(sequences)


def begins_with(answer: Sequence[str], beginnings: Suppressed) -> bool:
    return any(tuple(answer[: len(each)]) == each for each in beginnings)


def suppressed_words(generation: Generation, tokens: Tokens) -> Suppressed:
    """Bad words as tokens; one outside the converted vocabulary cannot be generated anyway."""
    words = (tuple(map(tokens.token, word)) for word in generation.bad_words)
    return tuple(word for word in words if all(word) and word != ("<pad>",))
