"""What `parley models` does: list, verify and remove what is in the cache.

Removing takes only what the cache itself made: never an installed package, a GGUF file or a folder
of the user's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from graph.errors import ModelError
from predictors.models import embedded, gguf
from predictors.models.cache import cache_folder, lock, sha256_file
from predictors.models.catalogue import EMBEDDED
from predictors.models.conversions import conversions
from predictors.models.manifest import check_folder, read_manifest
from predictors.models.reference import Reference, parse
from predictors.models.remembered_hashes import forget
from predictors.progress import Progress, show_nothing


@dataclass(frozen=True)
class Entry:
    """A model that is at hand, or could be.

    model: what `--model` takes.  state: ready, not installed, source, or a quantization.  size:
    bytes.  licence: name and URL, of embedded models; a checkpoint's is on its hub page.
    """

    model: str
    state: str
    size: int
    path: str = ""
    licence: str = ""
    about: str = ""


def list_models(
    models_dir: str = "", environ: Mapping[str, str] = os.environ
) -> tuple[Path, list[Entry]]:
    """The cache's folder, and the embedded models and what was pulled and converted."""
    cache = cache_folder(models_dir, environ)
    entries = [
        Entry(
            f"embedded:{name}",
            "ready" if embedded.is_installed(name) else "not installed",
            model.size,
            licence=f"{model.licence.name} ({model.licence.url})",
            about=model.about,
        )
        for name, model in EMBEDDED.items()
    ]
    for path in sorted((cache / "hf").glob("[!.]*")):
        entries.append(Entry(read_manifest(path).source, "source", _size(path), str(path)))
    for each in conversions(cache):
        quantization = each.manifest.settings["quantization"]
        entries.append(Entry(each.manifest.source, quantization, _size(each.path), str(each.path)))
    return cache, entries


def verify(
    model: str = "",
    models_dir: str = "",
    progress: Progress = show_nothing,
    environ: Mapping[str, str] = os.environ,
) -> list[str]:
    """Hash every file again; the models that are whole. Raises ModelError at the first that is not.

    Without a model: all that are at hand.
    """
    cache = cache_folder(models_dir, environ)
    if not model:
        names = [f"embedded:{name}" for name in EMBEDDED if embedded.is_installed(name)]
        _, entries = list_models(models_dir, environ)
        names += dict.fromkeys(entry.model for entry in entries if entry.path)
        return [name for each in names for name in verify(each, models_dir, progress, environ)]
    reference = parse(model)
    match reference.kind:
        case "embedded":
            embedded.verify(reference.name, cache, progress)
        case "gguf":
            forget(cache, Path(reference.name).expanduser().absolute())
            gguf.check_file(reference, lambda path: sha256_file(path, progress))
        case "folder" | "hf":
            folders = _folders(reference, cache)
            if not folders:
                raise ModelError(f"model {model}: nothing of it is in {cache}")
            for folder in folders:
                check_folder(folder, read_manifest(folder))
        case "openai":
            raise ModelError(f"model {model}: its weights are not here")
    return [str(reference)]


def remove(model: str, models_dir: str = "", environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Delete what the cache holds of a model; the folders that are gone. Raises ModelError."""
    cache = cache_folder(models_dir, environ)
    reference = parse(model)
    if reference.kind == "embedded":
        folders = [cache / "embedded" / reference.name]
    else:
        folders = _folders(reference, cache)
    there = [folder for folder in folders if folder.is_dir() and cache in folder.parents]
    if not there:
        raise ModelError(f"model {model}: nothing of it is in {cache}")
    for folder in there:
        with lock(cache, f"{folder.parent.name}/{folder.name}"):
            shutil.rmtree(folder)
    return there


def _folders(reference: Reference, cache: Path) -> list[Path]:
    """What the cache holds of a checkpoint, source and conversions; or a converted folder."""
    found = [each.path for each in conversions(cache) if each.manifest.source == str(reference)]
    for path in (cache / "hf").glob("[!.]*"):
        if read_manifest(path).source == str(reference):
            found.append(path)
    own = Path(reference.name).expanduser().absolute()
    if reference.kind == "folder" and (own / "parley.json").is_file():
        found.append(own)
    return sorted(found)


def _size(folder: Path) -> int:
    return sum(size for size, _ in _files(folder))


def _files(folder: Path) -> Iterator[tuple[int, str]]:
    yield from read_manifest(folder).files.values()
