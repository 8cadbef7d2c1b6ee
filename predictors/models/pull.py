"""Brings a checkpoint from a model hub into the cache: resumable, checked, placed whole.

An interrupted pull goes on where it stopped. Code of a repository is neither fetched nor run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from graph.errors import ModelError
from predictors.checkpoints.files import check_source
from predictors.models.cache import cache_folder, lock, unwritable
from predictors.models.hub import download
from predictors.models.manifest import (
    Manifest,
    has_manifest,
    hash_folder,
    is_whole,
    write_manifest,
)
from predictors.models.reference import Reference, parse
from predictors.models.remembered_hashes import remembered_sha256
from predictors.progress import Progress, show_nothing


class NotPulled(ModelError):
    """Checkpoints of a hub that are not in the cache."""

    def __init__(self, models: Sequence[str], cache: Path) -> None:
        what = f"model {models[0]}: not" if len(models) == 1 else f"{len(models)} models are not"
        super().__init__(f"{what} in {cache}; run: parley models pull {' '.join(models)}")
        self.models = tuple(models)
        self.cache = cache


def join_unpulled(errors: Sequence[NotPulled]) -> NotPulled:
    """One error for all that miss in the cache of the first, with one command that fetches them."""
    cache = errors[0].cache
    names = [name for error in errors if error.cache == cache for name in error.models]
    return NotPulled(list(dict.fromkeys(names)), cache)


def pull(
    model: str,
    models_dir: str = "",
    progress: Progress = show_nothing,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """The folder of the checkpoint, fetched now or before. Raises ModelError."""
    reference = parse(model)
    if reference.kind != "hf":
        raise ModelError(f"model {reference}: only hf: models are pulled")
    cache = cache_folder(models_dir, environ)
    target = _target(reference, cache)
    try:
        with lock(cache, f"hf/{target.name}", progress):
            # One that was damaged since is fetched again.
            if not is_whole(target, lambda path: remembered_sha256(cache, path, progress)):
                _fetch(reference, target, progress, environ)
    except OSError as err:
        raise ModelError(unwritable(cache, err)) from err
    return target


def pulled_folder(reference: Reference, cache: Path) -> Path:
    """Where a pulled checkpoint lies. Raises NotPulled when it does not."""
    target = _target(reference, cache)
    if not has_manifest(target):
        raise NotPulled([str(reference)], cache)
    return target


def _target(reference: Reference, cache: Path) -> Path:
    name = f"{reference.name}@{reference.revision}".replace("/", "--")
    return cache / "hf" / name


def _fetch(
    reference: Reference, target: Path, progress: Progress, environ: Mapping[str, str]
) -> None:
    """Fill a folder beside the target, which stays when it is interrupted, and move it there."""
    work = target.with_name(f".pulling-{target.name}")
    work.mkdir(parents=True, exist_ok=True)
    fetched = download(reference, work, progress, environ)
    # The hub library's own notes on what it has fetched so far.
    shutil.rmtree(work / ".cache", ignore_errors=True)
    check_source(work, pickles=True)
    files = hash_folder(work, progress)
    for file in fetched:
        if file.sha256 and files[file.name][1] != file.sha256:
            (work / file.name).unlink()
            raise ModelError(f"{work / file.name}: its SHA-256 is not the hub's; pull again")
    write_manifest(work, Manifest("pull", str(reference), files))
    if target.exists():
        shutil.rmtree(target)
    os.replace(work, target)
