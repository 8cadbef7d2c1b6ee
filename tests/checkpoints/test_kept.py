"""Kept checkpoints: named by all that decides them, and nothing that a test does reaches them."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.checkpoints import kept, training


def imported(module: ModuleType) -> set[ModuleType]:
    """Modules of this folder that a module of it takes names from, through others too."""
    found = {module}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        name = node.module if isinstance(node, ast.ImportFrom) else ""
        if name and name.startswith("tests.checkpoints."):
            found |= imported(sys.modules[name])
    return found


def test_the_digest_is_of_every_module_that_makes_and_trains() -> None:
    assert len(imported(training)) > 3
    assert imported(training) <= set(kept.MODULES)


def test_another_source_or_version_gives_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {kept.digest(), kept.digest()}
    assert len(digests) == 1
    monkeypatch.setattr(kept, "MODULES", (*kept.MODULES, kept))
    digests.add(kept.digest())
    monkeypatch.setattr(kept, "version", lambda package: "0")
    digests.add(kept.digest())
    assert len(digests) == 3


def test_the_next_digest_takes_the_place_and_a_copy_is_ones_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = {"PARLEY_CACHE": str(tmp_path / "cache")}
    folder = tmp_path / "cache" / "checkpoints"
    monkeypatch.setattr(kept, "digest", lambda: "old")
    # Too few steps to learn anything, and no loss that is too high for that.
    monkeypatch.setitem(training.TRAINING, "nllb", (2, 3e-3))
    monkeypatch.setattr(training, "HIGHEST_LOSS", 0.0)
    with pytest.raises(AssertionError, match="nllb learned too little"):
        kept.copy_trained("nllb", tmp_path / "first", environ)
    assert not list(folder.glob("nllb*"))
    monkeypatch.setattr(training, "HIGHEST_LOSS", 1e9)
    first = kept.copy_trained("nllb", tmp_path / "first", environ)
    weights = (first / "model.safetensors").read_bytes()
    (first / "model.safetensors").write_bytes(b"")
    inode = (folder / "nllb-old" / "model.safetensors").stat().st_ino
    second = kept.copy_trained("nllb", tmp_path / "second", environ)
    assert (second / "model.safetensors").read_bytes() == weights
    assert (folder / "nllb-old" / "model.safetensors").stat().st_ino == inode
    monkeypatch.setattr(kept, "digest", lambda: "new")
    kept.copy_trained("nllb", tmp_path / "third", environ)
    assert [path.name for path in folder.glob("nllb-*")] == ["nllb-new"]
