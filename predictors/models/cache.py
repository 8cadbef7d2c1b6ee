"""The folder that models are kept in, and the two rules that keep it whole.

A name appears in the cache only when what it names is complete and checked: work is done beside it
and moved there in one step. And whoever works on an entry holds its lock, so that two processes do
the work once; the lock is the kernel's and dies with its holder. Nothing here knows what a model
is.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from graph.errors import ModelError
from predictors.progress import Progress, show_nothing

BLOCK = 1 << 20
# Unfinished work; a name of this kind left by a killed process is swept when its lock is next held.
PARTIAL = ".partial-"


def cache_folder(models_dir: str, environ: Mapping[str, str]) -> Path:
    """The setting, else `PARLEY_MODELS`, else `parley/models` in the user's own cache folder."""
    chosen = models_dir or environ.get("PARLEY_MODELS", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    # The XDG base directory specification: a relative XDG_CACHE_HOME counts as unset.
    base = environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()
    return home / "parley" / "models"


@contextmanager
def lock(cache: Path, entry: str, progress: Progress = show_nothing) -> Iterator[None]:
    """Hold the lock of an entry; waits for another process, and says so. Raises ModelError."""
    path = cache / ".locks" / f"{entry.replace('/', '--')}.lock"
    # A soft lock, which a file system without flock would get, outlives a holder that is killed.
    held = FileLock(path, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(blocking=False)
        except Timeout:
            progress(f"waiting for another process: {entry}", 0, 0)
            held.acquire()
    except OSError as err:
        raise ModelError(unwritable(cache, err)) from err
    try:
        yield
    finally:
        held.release()


@contextmanager
def placed_file(target: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes the place of `target` when the block ends well, else it is gone.

    The caller holds the entry's lock.
    """
    _sweep(target)
    descriptor, name = tempfile.mkstemp(prefix=_partial(target), dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def placed_folder(target: Path) -> Iterator[Path]:
    """A folder to fill; it takes the place of `target` when the block ends well, else it is gone.

    The caller holds the entry's lock. Files are flushed to the disk before the name appears.
    """
    _sweep(target)
    work = Path(tempfile.mkdtemp(prefix=_partial(target), dir=target.parent))
    try:
        yield work
        for path in work.rglob("*"):
            if path.is_file():
                _flush(path)
        work.chmod(0o755)
        if target.exists():
            os.replace(target, tempfile.mkdtemp(prefix=_partial(target), dir=target.parent))
        os.replace(work, target)
        _sweep(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def sha256_file(path: Path, progress: Progress = show_nothing, what: str = "") -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    done = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress(what or f"checking {path.name}", done, total)
    return digest.hexdigest()


def unwritable(cache: Path, err: OSError) -> str:
    """The message for a cache that cannot be written."""
    return (
        f"model cache {cache}: {err.strerror or err}; "
        "name a folder that can be written in PARLEY_MODELS"
    )


def _sweep(target: Path) -> None:
    """Remove what a killed process left of `target`, and make the folder it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(glob.escape(_partial(target)) + "*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def _partial(target: Path) -> str:
    """How names of unfinished work for `target` begin; the mark parts `a` from `a-b`."""
    return f"{PARTIAL}{target.name}~"


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
