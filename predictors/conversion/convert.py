"""Makes conversions in the cache, each once for the same content and settings.

The name of a conversion holds a hash of the source's files and of every setting, so a changed file
or a newer converter makes a new one and never a stale answer. It appears under its name only whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from graph.errors import ModelError
from predictors.checkpoints.files import check_source
from predictors.models.cache import cache_folder, lock, placed_folder, unwritable
from predictors.models.conversions import QUANTIZATIONS, content_hash, source_folder
from predictors.models.manifest import (
    CONVERSION_VERSION,
    Manifest,
    hash_folder,
    is_whole,
    write_manifest,
)
from predictors.models.reference import Reference, parse
from predictors.models.remembered_hashes import remembered_sha256
from predictors.progress import Progress, show_nothing


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
    settings = {"content": content, "quantization": quantization}
    settings |= {"loaders": CONVERSION_VERSION, **versions()}
    target = cache / "converted" / _folder_name(reference, settings)
    try:
        with lock(cache, f"converted/{target.name}", progress):
            # One that was damaged since is made again.
            if not is_whole(target, lambda path: remembered_sha256(cache, path, progress)):
                _convert(reference, source, target, settings, progress)
    except OSError as err:
        raise ModelError(unwritable(cache, err)) from err
    return target


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
