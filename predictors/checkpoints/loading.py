"""Loads a checkpoint's weights and tokenizer with transformers, and only from its own folder.

Weights are safetensors; pickles go through torch's restricted loader, for conversions alone. Code
of a checkpoint is never run, and nothing is fetched. transformers and torch are imported when
something is loaded.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.files import pickles_of, safetensors_of


def load_model(model_class: Any, source: Path, dtype: Any, config: Any = None) -> Any:
    """A model in eval mode, from safetensors or, where there are none, restricted pickles.

    Raises ModelError, also where a weight is not there: transformers would make one up.
    """
    import transformers

    # It would draw over the caller's own progress, or into a server's log.
    transformers.utils.logging.disable_progress_bar()
    options: dict[str, Any] = {"config": config} if config is not None else {}
    has_safetensors = bool(safetensors_of(source))
    if has_safetensors:
        options["use_safetensors"] = True
    else:
        options["state_dict"] = _load_pickles(source)
    model, report = model_class.from_pretrained(
        source if has_safetensors else None,
        dtype=dtype,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
        **options,
    )
    wrong = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if wrong:
        raise ModelError(f"{source}: its weights are not those of its config: {wrong[0]}")
    return model.eval()


def load_tokenizer(source: Path) -> Any:
    import transformers

    with warnings.catch_warnings():
        # Marian's class asks for a package whose normaliser it never calls.
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            source, trust_remote_code=False, local_files_only=True
        )
    if isinstance(tokenizer, transformers.BlenderbotTokenizer):
        _end_with_end_token(tokenizer)
    return tokenizer


def _load_pickles(source: Path) -> dict[str, Any]:
    import torch

    state: dict[str, Any] = {}
    for path in pickles_of(source):
        try:
            state |= torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError) as err:
            raise ModelError(f"{path}: not a file of weights alone; it is not loaded") from err
    return state


def _end_with_end_token(tokenizer: Any) -> None:
    """Blenderbot reads an end token after its input, as its class says.

    transformers 5 leaves it out where the checkpoint has no `tokenizer.json`.
    """
    import tokenizers

    end, index = tokenizer.eos_token, tokenizer.eos_token_id
    if tokenizer("a")["input_ids"][-1:] != [index]:
        tokenizer.backend_tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single=f"$A {end}", special_tokens=[(end, index)]
        )
