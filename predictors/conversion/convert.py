"""Conversions in the cache: made once for the same content and settings, found again by both.

The name of a conversion holds a hash of the source's files and of every setting, so a changed file
or a newer converter makes a new one and never a stale answer. It appears under its name only whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from graph.errors import ModelError
from predictors.checkpoints.files import check_source
from predictors.models.cache import cache_folder, lock, placed_folder, unwritable
from predictors.models.manifest import (
    CONVERSION_VERSION,
    Manifest,
    files_of,
    hash_folder,
    is_whole,
    read_manifest,
    write_manifest,
)
from predictors.models.pull import pulled_folder
from predictors.models.reference import Reference, parse
from predictors.models.verified import sha256_known
from predictors.progress import Progress, show_nothing

QUANTIZATIONS = ("int8", "float16", "float32")


@dataclass(frozen=True)
class Conversion:
    path: Path
    manifest: Manifest


def convert(
    model: str,
    models_dir: str = "",
    quantization: str = "int8",
    progress: Progress = show_nothing,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """The folder of the conversion, made now or before. Raises ModelError."""
    if quantization not in QUANTIZATIONS:
        raise ModelError(f"quantization {quantization!r}: choose from {', '.join(QUANTIZATIONS)}")
    reference = parse(model)
    cache = cache_folder(models_dir, environ)
    source = source_folder(reference, cache)
    check_source(source, pickles=True)
    from predictors.conversion.converter import versions

    content = content_hash(source, cache, progress)
    found = versions()
    settings = {
        "content": content,
        "quantization": quantization,
        "loaders": CONVERSION_VERSION,
        **found,
    }
    target = cache / "converted" / _folder_name(reference, settings)
    try:
        with lock(cache, f"converted/{target.name}", progress):
            # One that was damaged since is made again.
            if not is_whole(target, lambda path: sha256_known(cache, path, progress)):
                _convert(reference, source, target, settings, progress)
    except OSError as err:
        raise ModelError(unwritable(cache, err)) from err
    return target


def conversions(cache: Path) -> Iterator[Conversion]:
    """Every whole conversion of the cache; one of another version is passed over."""
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
        digest.update(f"{name}\0{sha256_known(cache, path, progress)}\n".encode())
    return digest.hexdigest()


def _convert(
    reference: Reference, source: Path, target: Path, settings: dict[str, str], progress: Progress
) -> None:
    from predictors.conversion.converter import convert_folder

    with placed_folder(target) as work:
        progress(f"converting {reference} to {settings['quantization']}", 0, 0)
        description = convert_folder(source, work, settings["quantization"])
        files = hash_folder(work, progress)
        manifest = Manifest("conversion", str(reference), files, settings, description)
        write_manifest(work, manifest)


def _folder_name(reference: Reference, settings: dict[str, str]) -> str:
    """Readable first, then what tells two apart."""
    last = reference.name.rstrip("/").rpartition("/")[2] or "model"
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", last).strip("-.")
    key = hashlib.sha256(json.dumps([str(reference), settings], sort_keys=True).encode())
    return f"{readable}-{settings['quantization']}-{key.hexdigest()[:16]}"
