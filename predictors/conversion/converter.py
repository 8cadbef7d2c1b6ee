"""One conversion: a transformers checkpoint to a folder that the CTranslate2 engine reads.

Pickles go through torch's restricted loader, code of a checkpoint is never run, and a checkpoint
whose generation settings cannot be carried over is refused.
"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.ctranslate2_options import decoder_options, translation_options
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import read_generation
from predictors.checkpoints.inspection import describe_checkpoint
from predictors.checkpoints.loading import load_model, load_tokenizer
from predictors.checkpoints.tokens import SENTENCEPIECE_FILES, TOKENIZER_JSON

# The lowest versions without known holes in what they do with a foreign checkpoint.
SAFE_VERSIONS = {
    "torch": (2, 10),
    "transformers": (5, 10),
    "ctranslate2": (4, 8, 1),
    "sentencepiece": (0, 2, 1),
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


def convert_folder(source: Path, target: Path, quantization: str) -> CheckpointDescription:
    """Fill the folder `target`; the description is for its manifest."""
    from predictors.conversion import loaders

    loaders.register()
    converter = _make_converter(source)
    try:
        converter.convert(str(target), quantization=quantization, force=True)
    except (ValueError, NotImplementedError) as err:
        raise ModelError(f"{source}: cannot be converted: {err}") from err
    _copy_tokenizer(source, target, converter.tokenizer)
    return _describe(converter.model, converter.tokenizer)


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


def _describe(model: Any, tokenizer: Any) -> CheckpointDescription:
    description = describe_checkpoint(model.config, model.generation_config, tokenizer)
    # A setting that cannot be carried over is refused here, not at the first request.
    for settings in ({}, *(task.settings for task in description.tasks.values())):
        generation = read_generation({**description.generation, **settings})
        if description.is_encoder_decoder:
            translation_options(generation, ())
        else:
            decoder_options(generation, ())
    return description


def _copy_tokenizer(source: Path, target: Path, tokenizer: Any) -> None:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.save(str(target / TOKENIZER_JSON))
        return
    names = next((n for n in SENTENCEPIECE_FILES if (source / n[0]).is_file()), None)
    if names is None:
        wanted = " or ".join(name for name, _ in SENTENCEPIECE_FILES)
        raise ModelError(f"{source}: its tokenizer cannot be carried over: no {wanted}")
    for name in names:
        if not (source / name).is_file():
            raise ModelError(f"{source / name}: missing; the tokenizer cannot be carried over")
        shutil.copyfile(source / name, target / name)
