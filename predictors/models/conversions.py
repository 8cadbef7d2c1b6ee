"""The conversions that are in the cache, and what tells which of them belongs to a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graph.errors import ModelError
from predictors.models.manifest import Manifest, files_of, read_manifest
from predictors.models.pull import pulled_folder
from predictors.models.reference import Reference
from predictors.models.remembered_hashes import remembered_sha256
from predictors.progress import Progress, show_nothing

QUANTIZATIONS = ("int8", "float16", "float32")


@dataclass(frozen=True)
class Conversion:
    path: Path
    manifest: Manifest


def conversions(cache: Path) -> Iterator[Conversion]:
    """Every conversion of the cache, whatever made it; one without a manifest is passed over."""
    for path in sorted((cache / "converted").glob("[!.]*")):
        try:
            yield Conversion(path, read_manifest(path))
        except ModelError:
            continue


def source_folder(reference: Reference, cache: Path) -> Path:
    """Where the checkpoint's own files lie. Raises ModelError when they do not."""
    match reference.kind:
        case "folder":
            return Path(reference.name).expanduser().absolute()
        case "hf":
            return pulled_folder(reference, cache)
        case _:
            raise ModelError(f"model {reference}: only hf: models and folders are converted")


def content_hash(source: Path, cache: Path, progress: Progress = show_nothing) -> str:
    """One hash of all files of a checkpoint, names and bytes; each file is hashed once."""
    digest = hashlib.sha256()
    for name, path in files_of(source):
        digest.update(f"{name}\0{remembered_sha256(cache, path, progress)}\n".encode())
    return digest.hexdigest()
