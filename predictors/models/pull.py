"""Brings a checkpoint from a model hub into the cache: resumable, checked, placed whole.

Only the files that a conversion needs are fetched, and pickles only where there is nothing else. An
interrupted pull goes on where it stopped. Code of a repository is neither fetched nor run.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graph.errors import ModelError
from predictors.checkpoints.files import PICKLES, WANTED, check_source
from predictors.models.cache import cache_folder, lock, unwritable
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
    """One error for all that miss in the cache of the first, with one command that mends it."""
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
    expected = _download(reference, work, progress, environ)
    # The hub library's own notes on what it has fetched so far.
    shutil.rmtree(work / ".cache", ignore_errors=True)
    check_source(work, pickles=True)
    files = hash_folder(work, progress)
    for name, sha256 in expected.items():
        if name in files and files[name][1] != sha256:
            (work / name).unlink()
            raise ModelError(f"{work / name}: its SHA-256 is not the hub's; pull again")
    write_manifest(work, Manifest("pull", str(reference), files))
    if target.exists():
        shutil.rmtree(target)
    os.replace(work, target)


def _download(
    reference: Reference, work: Path, progress: Progress, environ: Mapping[str, str]
) -> dict[str, str]:
    """Fetch the wanted files; name to the hub's SHA-256 of the large ones."""
    try:
        import httpx2
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as err:
        raise ModelError("pulling needs huggingface-hub; install parley[convert]") from err
    endpoint = environ.get("HF_ENDPOINT") or None
    api = huggingface_hub.HfApi(endpoint=endpoint)
    try:
        info = api.model_info(reference.name, revision=reference.revision, files_metadata=True)
        siblings: list[Any] = list(info.siblings or ())
        wanted = _choose([str(sibling.rfilename) for sibling in siblings])
        for done, name in enumerate(wanted):
            progress(f"pulling {reference}", done, len(wanted))
            huggingface_hub.hf_hub_download(
                reference.name, name, revision=info.sha, local_dir=work, endpoint=endpoint
            )
    except (
        errors.HfHubHTTPError,
        errors.LocalEntryNotFoundError,
        httpx2.HTTPError,
        OSError,
        ValueError,
    ) as err:
        reason = str(err).strip().splitlines()
        raise ModelError(
            f"model {reference}: cannot be pulled: {reason[0] if reason else type(err).__name__}"
        ) from err
    return {s.rfilename: s.lfs.sha256 for s in siblings if getattr(s, "lfs", None)}


def _choose(names: list[str]) -> list[str]:
    """The files of a repository's top folder that a conversion needs."""

    def matching(patterns: tuple[str, ...]) -> list[str]:
        return [n for n in names if "/" not in n and any(fnmatch.fnmatch(n, p) for p in patterns)]

    wanted = matching(WANTED)
    if not any(name.endswith(".safetensors") for name in wanted):
        wanted += matching(PICKLES)
    return sorted(wanted)
