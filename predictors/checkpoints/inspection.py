"""Reads a checkpoint's description from transformers' own objects: config and tokenizer.

Everything that only transformers knows of a tokenizer (languages, chat template) is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.chat_template import ChatTemplate
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import Task
from predictors.checkpoints.languages import LANGUAGE, Languages

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


def describe_checkpoint(
    config: Any, generation_config: Any, tokenizer: Any
) -> CheckpointDescription:
    """All three are transformers'. Raises ModelError for an mBART of the first version."""
    generation = {
        name: value
        for name, value in generation_config.to_dict().items()
        if not name.startswith("_") and name != "transformers_version" and value is not None
    }
    positions = int(getattr(config, "max_position_embeddings", 0) or 0)
    is_encoder_decoder = bool(config.is_encoder_decoder)
    return CheckpointDescription(
        family=_FAMILIES.get(config.model_type, str(config.model_type)),
        is_encoder_decoder=is_encoder_decoder,
        context=positions or int(getattr(config, "n_positions", 512) or 512),
        positions=positions,
        generation=generation,
        tasks=_tasks(getattr(config, "task_specific_params", None) or {}),
        languages=_languages(tokenizer),
        chat_template=None if is_encoder_decoder else _chat_template(tokenizer),
    )


def _tasks(parameters: Mapping[str, object]) -> dict[str, Task]:
    """The tasks that are asked for by a prefix."""
    tasks = {}
    for name, entries in parameters.items():
        if isinstance(entries, Mapping) and entries.get("prefix"):
            settings = {key: value for key, value in entries.items() if key != "prefix"}
            tasks[name] = Task(str(entries["prefix"]), settings)
    return tasks


def _languages(tokenizer: Any) -> Languages | None:
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

    def frame(indices: list[int]) -> tuple[str, ...]:
        found = tokenizer.convert_ids_to_tokens(indices)
        return tuple(LANGUAGE if each == token else each for each in found)

    return Languages(known, frame(tokenizer.prefix_tokens), frame(tokenizer.suffix_tokens))


def _chat_template(tokenizer: Any) -> ChatTemplate | None:
    if not getattr(tokenizer, "chat_template", None):
        return None
    tokens = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return ChatTemplate(tokenizer.get_chat_template(), tokens)
