"""Checkpoints of every family, made and trained once a session, and their conversions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import transformers

from predictors.models.convert import convert
from tests.checkpoints import making, training

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

Maker = Callable[[str], Path]


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model cache of the session's own."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Checkpoints with random weights, by family."""
    return _once(tmp_path_factory.mktemp("random"), lambda family, folder: None, scale=4.0)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Checkpoints trained on the toy language, by family."""

    def train(family: str, folder: Path) -> None:
        loss = training.train(family, folder)
        assert loss < 1.0, f"{family} learned too little to be peaked: loss {loss}"

    return _once(tmp_path_factory.mktemp("trained"), train, scale=1.0)


@pytest.fixture(scope="session")
def converted(models_dir: Path) -> Callable[..., Path]:
    """The conversion of a checkpoint, float32 unless told."""

    def make(source: Path, quantization: str = "float32") -> Path:
        return convert(str(source), str(models_dir), quantization)

    return make


def _once(root: Path, finish: Callable[[str, Path], None], scale: float) -> Maker:
    def make(family: str) -> Path:
        folder = root / family
        if not folder.exists():
            making.make(family, folder, scale=scale)
            finish(family, folder)
        return folder

    return make
