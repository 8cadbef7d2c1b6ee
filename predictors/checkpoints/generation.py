"""How a checkpoint wants to generate: transformers' generation config, with transformers' meanings.

Both engines that run such checkpoints start from this one reading, so that what differs between
them is only how each is told. A setting that is not read here is not silently dropped: a checkpoint
that uses one is refused by name when it is converted or loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graph.errors import ModelError
from predictors.engine import Sampling

# New tokens that transformers generates at most where neither checkpoint nor caller says.
_DEFAULT_NEW_TOKENS = 20

# Settings that change the text, that are not translated, and the values at which they do nothing.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "assistant_lookbehind": (None, 10),
    "begin_suppress_tokens": (None, []),
    "constraints": (None,),
    "diversity_penalty": (None, 0.0),
    "encoder_repetition_penalty": (None, 1.0),
    "epsilon_cutoff": (None, 0.0),
    "eta_cutoff": (None, 0.0),
    "exponential_decay_length_penalty": (None,),
    "force_words_ids": (None,),
    "guidance_scale": (None, 1.0),
    "min_p": (None, 0.0),
    "num_beam_groups": (None, 1),
    "penalty_alpha": (None, 0.0),
    "sequence_bias": (None, {}),
    "top_h": (None,),
    "typical_p": (None, 1.0),
}


@dataclass(frozen=True)
class Generation:
    """Settings of one generation, in tokens.

    max_new_tokens: counts the end token.  min_new_tokens: tokens before the end token.
    forced_eos: the last of `max_new_tokens` is the end token, whatever the model says.
    bad_words: token sequences that never occur.  forced_bos: a token that the answer begins with.
    """

    max_new_tokens: int = _DEFAULT_NEW_TOKENS
    min_new_tokens: int = 0
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool = False
    no_repeat_ngram_size: int = 0
    encoder_no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 50
    top_p: float = 1.0
    forced_eos: bool = False
    forced_bos: int | None = None
    bad_words: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Task:
    """One task of a T5 checkpoint (`task_specific_params`), which a text asks for by its prefix.

    settings: entries of a generation config that hold for this task.
    """

    prefix: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def read_generation(config: Mapping[str, Any], prompt_length: int = 1) -> Generation:
    """Read the entries of a generation config. Raises ModelError for one that is not supported.

    prompt_length: tokens before the answer that `max_length` and `min_length` count too.
    """
    for name, neutral in _NEUTRAL.items():
        if config.get(name) not in neutral:
            raise ModelError(
                f"generation setting {name}={config[name]!r}: not supported; remove it from the "
                "checkpoint's generation_config.json"
            )
    suppressed = tuple((int(token),) for token in config.get("suppress_tokens") or ())
    bad_words = tuple(tuple(words) for words in config.get("bad_words_ids") or ())
    return Generation(
        max_new_tokens=_new_tokens(config, "max", prompt_length, _DEFAULT_NEW_TOKENS),
        min_new_tokens=_new_tokens(config, "min", prompt_length, 0),
        num_beams=_value(config, "num_beams", 1),
        length_penalty=float(_value(config, "length_penalty", 1.0)),
        # "never" ends no earlier than False; the two search the same way until then.
        early_stopping=config.get("early_stopping") is True,
        no_repeat_ngram_size=_value(config, "no_repeat_ngram_size", 0),
        encoder_no_repeat_ngram_size=_value(config, "encoder_no_repeat_ngram_size", 0),
        repetition_penalty=float(_value(config, "repetition_penalty", 1.0)),
        do_sample=bool(_value(config, "do_sample", False)),
        temperature=float(_value(config, "temperature", 1.0)),
        top_k=_value(config, "top_k", 50),
        top_p=float(_value(config, "top_p", 1.0)),
        forced_eos=config.get("forced_eos_token_id") is not None,
        forced_bos=config.get("forced_bos_token_id"),
        bad_words=bad_words + suppressed,
    )


def settings_for(text: str, base: Mapping[str, Any], tasks: Mapping[str, Task]) -> dict[str, Any]:
    """The checkpoint's settings, with those of a task over them if the text has its prefix."""
    for task in tasks.values():
        if text.startswith(task.prefix):
            return {**base, **task.settings}
    return dict(base)


def apply_sampling(generation: Generation, sampling: Sampling, positions: int) -> Generation:
    """What a caller asks for over what the checkpoint says; never more than `positions` tokens."""
    changes: dict[str, Any] = {}
    if sampling.num_beams is not None:
        changes["num_beams"] = sampling.num_beams
    if sampling.temperature is not None:
        changes["do_sample"] = sampling.temperature > 0
    if sampling.temperature:
        changes |= {"temperature": sampling.temperature, "num_beams": 1}
    if sampling.top_p is not None:
        changes["top_p"] = sampling.top_p
    if sampling.repetition_penalty is not None:
        changes["repetition_penalty"] = sampling.repetition_penalty
    wanted = generation.max_new_tokens if sampling.max_tokens is None else sampling.max_tokens
    most = max(1, min(wanted, positions))
    changes |= {
        "max_new_tokens": most,
        "min_new_tokens": min(generation.min_new_tokens, most - 1),
    }
    return replace(generation, **changes)


def stated_max_new_tokens(config: Mapping[str, Any], prompt_length: int) -> int | None:
    """The maximum of new tokens that a generation config states; None where it states none."""
    stated = config.get("max_new_tokens") is not None or config.get("max_length") is not None
    return _new_tokens(config, "max", prompt_length, 0) if stated else None


def cut_at_stop(text: str, sampling: Sampling) -> str:
    """The text up to the first of the stop texts."""
    found = [index for stop in sampling.stop if (index := text.find(stop)) >= 0]
    return text[: min(found)] if found else text


def _new_tokens(config: Mapping[str, Any], which: str, prompt_length: int, default: int) -> int:
    tokens, length = config.get(f"{which}_new_tokens"), config.get(f"{which}_length")
    if tokens is not None:
        return int(tokens)
    return default if length is None else max(0, int(length) - prompt_length)


def _value(config: Mapping[str, Any], name: str, default: Any) -> Any:
    value = config.get(name)
    return default if value is None else value
