"""One conversion: a transformers checkpoint to a folder that the CTranslate2 engine reads.

The only module that loads weights with torch outside the transformers engine. Pickles go through
torch's restricted loader, code of a checkpoint is never run, and a checkpoint whose generation
settings cannot be carried over is refused.
"""

from __future__ import annotations

import pickle
import shutil
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from graph.errors import ModelError
from predictors.engines.ctranslate2_options import translation_options
from predictors.engines.generation import read_generation
from predictors.engines.tokens import MARIAN_SOURCE, MARIAN_VOCABULARY, TOKENIZER_JSON
from predictors.models.sources import pickles_of, safetensors_of

# The lowest versions without known holes in what they do with a foreign checkpoint.
SAFE_VERSIONS = {
    "torch": (2, 10),
    "transformers": (5, 10),
    "ctranslate2": (4, 8, 1),
    "sentencepiece": (0, 2, 1),
}
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


def versions() -> dict[str, str]:
    """Installed versions of what converts. Raises ModelError when one is absent or too old."""
    found = {}
    for package, lowest in SAFE_VERSIONS.items():
        try:
            found[package] = version(package)
        except PackageNotFoundError as err:
            raise ModelError(
                f"converting needs the Python package {package}; install parley[convert]"
            ) from err
        numbers = tuple(int(part) for part in found[package].split("+")[0].split(".")[:3])
        if numbers < lowest:
            needed = ".".join(map(str, lowest))
            raise ModelError(f"{package} {found[package]}: too old; {needed} is needed")
    return found


def convert_folder(source: Path, target: Path, quantization: str) -> dict[str, Any]:
    """Fill the folder `target`; what the engine needs to know, for its manifest."""
    import transformers

    from predictors.models import loaders

    # The caller shows progress of its own.
    transformers.utils.logging.disable_progress_bar()
    loaders.register()
    converter = _make_converter(source)
    try:
        converter.convert(str(target), quantization=quantization, force=True)
    except (ValueError, NotImplementedError) as err:
        raise ModelError(f"{source}: cannot be converted: {err}") from err
    _copy_tokenizer(source, target, converter.tokenizer)
    return _describe(converter.model)


def _make_converter(source: Path) -> Any:
    import torch
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        """Loads from the folder alone, without a network and without code of the checkpoint."""

        def load_model(self, model_class: Any, path: str, **kwargs: Any) -> Any:
            self.model = load_model(model_class, source, torch.float32, kwargs["config"])
            return self.model

        def load_tokenizer(self, tokenizer_class: Any, path: str, **kwargs: Any) -> Any:
            self.tokenizer = load_tokenizer(source)
            return self.tokenizer

    return Converter(str(source))


def load_model(model_class: Any, source: Path, dtype: Any, config: Any = None) -> Any:
    """A model in eval mode, from safetensors or, where there are none, restricted pickles.

    Raises ModelError, also where a weight is not there: transformers would make one up.
    """
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


def _load_pickles(source: Path) -> dict[str, Any]:
    import torch

    state: dict[str, Any] = {}
    for path in pickles_of(source):
        try:
            state |= torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError) as err:
            raise ModelError(f"{path}: not a file of weights alone; it is not loaded") from err
    return state


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


def describe_model(config: Any, generation_config: Any) -> dict[str, Any]:
    """What both engines need to know of a checkpoint, as plain values.

    context: tokens it was trained to read.  positions: those it cannot go over, 0 for none.
    generation: its settings.  tasks: settings by name, each with the prefix that asks for it.
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
        "context": positions or int(getattr(config, "n_positions", 512) or 512),
        "positions": positions,
        "generation": generation,
        "tasks": {name: dict(task) for name, task in tasks.items() if _has_prefix(task)},
    }


def _describe(model: Any) -> dict[str, Any]:
    about = describe_model(model.config, model.generation_config)
    # A setting that cannot be carried over is refused here, not at the first request.
    for settings in ({}, *about["tasks"].values()):
        translation_options(read_generation({**about["generation"], **settings}), ())
    return about


def _has_prefix(task: object) -> bool:
    return isinstance(task, Mapping) and bool(task.get("prefix"))


def _copy_tokenizer(source: Path, target: Path, tokenizer: Any) -> None:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.save(str(target / TOKENIZER_JSON))
        return
    for name in (MARIAN_SOURCE, MARIAN_VOCABULARY):
        if not (source / name).is_file():
            raise ModelError(f"{source / name}: missing; the tokenizer cannot be carried over")
        shutil.copyfile(source / name, target / name)
