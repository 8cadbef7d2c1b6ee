"""The manifest of a folder in the cache: what it is, where from, made how, and every file's hash.

A folder without one is foreign; one whose files are not exactly those of its manifest, by name,
size and SHA-256, is refused by the name of the file. That is the check before anything is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from graph.errors import ModelError
from predictors.checkpoints.description import (
    CheckpointDescription,
    DescriptionError,
    description_from_json,
)
from predictors.models.cache import sha256_file
from predictors.progress import Progress, show_nothing

FILENAME = "parley.json"
VERSION = 1
# The version of the loaders and the description: a change in either makes new conversions, and one
# of another version is not opened.
CONVERSION_VERSION = "4"


@dataclass(frozen=True)
class Manifest:
    """What a folder holds.

    kind: `pull` (a source) or `conversion`.  source: the reference it came from.  files: name to
    [bytes, SHA-256].  settings: of a conversion, how it was made.  model: of a conversion, what the
    checkpoint says of itself; None where the conversion is of another version.
    """

    kind: str
    source: str
    files: dict[str, tuple[int, str]]
    settings: dict[str, str] = field(default_factory=dict)
    model: CheckpointDescription | None = None
    version: int = VERSION

    @property
    def is_current(self) -> bool:
        """Whether a conversion was made by this version of Parley."""
        return self.settings.get("loaders") == CONVERSION_VERSION


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / FILENAME).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n")


def has_manifest(folder: Path) -> bool:
    return (folder / FILENAME).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Raises ModelError when it is absent, garbled or of a later version."""
    path = folder / FILENAME
    try:
        value = json.loads(path.read_bytes())
    except OSError as err:
        raise ModelError(f"{path}: {err.strerror or err}; convert the model again") from err
    except ValueError as err:
        raise ModelError(f"{path}: not JSON; convert the model again") from err
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise ModelError(f"{path}: not a manifest of version {VERSION}; convert the model again")
    try:
        files = {name: (int(n), str(sha)) for name, (n, sha) in value["files"].items()}
        model = value.pop("model", None)
        manifest = Manifest(**{**value, "files": files})
        if model and manifest.is_current:
            return replace(manifest, model=description_from_json(model))
        return manifest
    except DescriptionError as err:
        raise ModelError(f"{path}: {err}; convert the model again") from err
    except (TypeError, ValueError, KeyError, AttributeError) as err:
        raise ModelError(f"{path}: garbled; convert the model again") from err


def read_description(folder: Path) -> CheckpointDescription:
    """What the checkpoint of a conversion says of itself. Raises ModelError."""
    model = read_manifest(folder).model
    if model is None:
        raise ModelError(f"{folder / FILENAME}: model: missing; convert the model again")
    return model


def hash_folder(folder: Path, progress: Progress = show_nothing) -> dict[str, tuple[int, str]]:
    """Name to [bytes, SHA-256] of every file, the manifest itself left out."""
    return {
        name: (path.stat().st_size, sha256_file(path, progress)) for name, path in files_of(folder)
    }


def check_folder(
    folder: Path, manifest: Manifest, sha256: Callable[[Path], str] = sha256_file
) -> None:
    """Raises ModelError that names the first file that is missing, foreign, cut short or altered.

    `sha256` gives a file's hash; from memory, where the file was hashed before.
    """
    there = dict(files_of(folder))
    for name in manifest.files:
        if name not in there:
            raise ModelError(f"{folder / name}: missing; {_FIX}")
    for name, path in there.items():
        if name not in manifest.files:
            raise ModelError(f"{path}: a foreign file, not of the manifest; remove it")
        size, expected = manifest.files[name]
        if path.stat().st_size != size:
            raise ModelError(f"{path}: {path.stat().st_size} bytes, not {size}; {_FIX}")
    for name, path in there.items():
        if sha256(path) != manifest.files[name][1]:
            raise ModelError(f"{path}: altered: its SHA-256 is not the manifest's; {_FIX}")


def is_whole(folder: Path, sha256: Callable[[Path], str] = sha256_file) -> bool:
    """Whether a folder is there and is what its manifest says."""
    try:
        check_folder(folder, read_manifest(folder), sha256)
    except ModelError:
        return False
    return True


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of each file, sorted, the manifest itself left out."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != FILENAME:
            yield name, path


_FIX = "pull or convert the model again"
