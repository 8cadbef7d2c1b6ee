"""Checkpoints of every family, random and trained, and their conversions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from predictors.conversion.convert import convert
from tests.checkpoints import making
from tests.checkpoints.kept import copy_trained

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
# Small matrices: a second thread costs more than it gives, and pytest-xdist's workers share cores.
torch.set_num_threads(1)

Maker = Callable[[str], Path]


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model cache of the session's own."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Checkpoints with random weights, by family."""
    return _once(tmp_path_factory.mktemp("random"), making.make)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Checkpoints trained on the toy language, by family."""
    return _once(
        tmp_path_factory.mktemp("trained"),
        lambda family, folder: copy_trained(family, folder, os.environ),
    )


@pytest.fixture(scope="session")
def converted(models_dir: Path) -> Callable[..., Path]:
    """The conversion of a checkpoint, float32 unless told."""

    def make(source: Path, quantization: str = "float32") -> Path:
        return convert(str(source), str(models_dir), quantization)

    return make


def _once(root: Path, make: Callable[[str, Path], object]) -> Maker:
    def make_once(family: str) -> Path:
        folder = root / family
        if not folder.exists():
            make(family, folder)
        return folder

    return make_once
