"""Checkpoints trained on the toy language: each is trained once and kept outside the checkout.

A kept one is named by a digest of all that decides its weights, and the next name takes its place.
Nobody is given the kept folder itself but a copy, so that a test that writes into its checkpoint,
or a run with another digest that removes it, harms nobody.
"""

from __future__ import annotations

import hashlib
import inspect
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from predictors.checkpoints import loading
from predictors.models.cache import lock, placed_folder
from tests.checkpoints import causal, making, multilingual, parts, toy, training
from tests.tools.binaries import cache_folder

MODULES = (causal, making, multilingual, parts, toy, training, loading)
PACKAGES = ("numpy", "sentencepiece", "tokenizers", "torch", "transformers")


def copy_trained(family: str, target: Path, environ: Mapping[str, str]) -> Path:
    """A trained checkpoint of the family in the new folder `target`.

    Trained only if it is not kept yet; of processes that ask at once, one trains and the rest wait.
    """
    cache = cache_folder(environ) / "checkpoints"
    kept = cache / f"{family}-{digest()}"
    with lock(cache, family):
        if not kept.exists():
            with placed_folder(kept) as folder:
                training.make_trained(family, folder)
            for old in cache.glob(f"{family}-*"):
                if old != kept:
                    shutil.rmtree(old)
        return Path(shutil.copytree(kept, target))


def digest(modules: Sequence[ModuleType] = (), packages: Sequence[str] = ()) -> str:
    """A hash of code, by default what makes and trains, and of the versions of its packages."""
    found = hashlib.sha256()
    versions = [f"{package} {version(package)}" for package in packages or PACKAGES]
    for text in (*map(inspect.getsource, modules or MODULES), *versions):
        found.update(text.encode() + b"\0")
    return found.hexdigest()[:16]
