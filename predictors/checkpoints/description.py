"""What both engines need to know of a checkpoint, as plain values; a conversion's manifest has it.

Everything that only transformers knows of a tokenizer (languages, chat template) is read here once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.languages import LANGUAGE

# Families by `model_type`; a T5 with gates is Flan's kind, or version 1.1.
_FAMILIES = {
    "blenderbot": "blenderbot",
    "marian": "marian",
    "mt5": "t5",
    "t5": "t5",
    "m2m_100": "m2m100",
    "mbart": "mbart",
    "bart": "bart",
    "pegasus": "pegasus",
}
_NLLB_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")


def describe_model(config: Any, generation_config: Any, tokenizer: Any) -> dict[str, Any]:
    """Of a checkpoint's config, generation config and tokenizer, all transformers' own.

    shape: encoder-decoder or decoder.  context: tokens it was trained to read.  positions: those it
    cannot go over, 0 for none.  generation: its settings.  tasks: settings by name, each with the
    prefix that asks for it.  languages: of a translator of many.  chat: of a decoder, its template
    and the special tokens that this names. Raises ModelError for an mBART of the first version.
    """
    generation = {
        name: value
        for name, value in generation_config.to_dict().items()
        if not name.startswith("_") and name != "transformers_version" and value is not None
    }
    positions = int(getattr(config, "max_position_embeddings", 0) or 0)
    tasks = getattr(config, "task_specific_params", None) or {}
    return {
        "family": _FAMILIES.get(config.model_type, config.model_type),
        "shape": "encoder-decoder" if config.is_encoder_decoder else "decoder",
        "context": positions or int(getattr(config, "n_positions", 512) or 512),
        "positions": positions,
        "generation": generation,
        "tasks": {name: dict(task) for name, task in tasks.items() if _has_prefix(task)},
        "languages": _languages(tokenizer),
        "chat": None if config.is_encoder_decoder else _chat(tokenizer),
    }


def _has_prefix(task: object) -> bool:
    return isinstance(task, Mapping) and bool(task.get("prefix"))


def _languages(tokenizer: Any) -> dict[str, Any] | None:
    """The tokens of its languages by its own codes, and what frames a source in one of them."""
    import transformers

    if isinstance(tokenizer, transformers.MBartTokenizer):
        raise ModelError(
            "an mBART whose answers begin with the decoder's start token alone (mbart-large-cc25) "
            "is not supported; use an mBART-50, M2M100 or NLLB"
        )
    if isinstance(tokenizer, transformers.M2M100Tokenizer):
        tokens = dict(tokenizer.lang_code_to_token)
    elif isinstance(tokenizer, transformers.MBart50Tokenizer):
        tokens = {code: code for code in tokenizer.lang_code_to_id}
    elif isinstance(tokenizer, transformers.NllbTokenizer):
        tokens = {t: t for t in tokenizer.all_special_tokens if _NLLB_CODE.fullmatch(t)}
    else:
        return None
    unknown = tokenizer.unk_token_id
    known = {c: t for c, t in tokens.items() if tokenizer.convert_tokens_to_ids(t) != unknown}
    code, token = next(iter(known.items()))
    tokenizer.set_src_lang_special_tokens(code)

    def frame(indices: list[int]) -> list[str]:
        found = tokenizer.convert_ids_to_tokens(indices)
        return [LANGUAGE if each == token else each for each in found]

    return {
        "tokens": known,
        "before": frame(tokenizer.prefix_tokens),
        "after": frame(tokenizer.suffix_tokens),
    }


def _chat(tokenizer: Any) -> dict[str, Any] | None:
    if not getattr(tokenizer, "chat_template", None):
        return None
    tokens = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return {"template": tokenizer.get_chat_template(), "tokens": tokens}
