"""Remembers the SHA-256 of files, so that a warm start does not hash them again.

A file counts as the same while its path, size, time of change and inode are those that it had when
it was hashed. That guards against damage and mistakes, not against someone who may write the
cache: `verify` hashes again. A cache that cannot be written only costs the time of hashing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graph.errors import ModelError
from predictors.models.cache import lock, placed_file, sha256_file
from predictors.progress import Progress, show_nothing

FILENAME = "hashes.json"


def remembered_sha256(cache: Path, path: Path, progress: Progress = show_nothing) -> str:
    """SHA-256 of a file, from memory where the file is the one that was hashed."""
    entry = _read(cache).get(str(path))
    mark = _mark(path)
    if isinstance(entry, dict) and entry.get("mark") == mark and "sha256" in entry:
        return str(entry["sha256"])
    digest = sha256_file(path, progress)
    # Hashed before it was marked: a file that changed meanwhile must not count as checked.
    if _mark(path) == mark:
        _remember(cache, path, {"mark": mark, "sha256": digest})
    return digest


def forget(cache: Path, path: Path) -> None:
    """Drop what is remembered of a file, so that the next look hashes it."""
    if str(path) in _read(cache):
        _remember(cache, path, None)


def _mark(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _read(cache: Path) -> dict[str, Any]:
    try:
        entries = json.loads((cache / FILENAME).read_bytes())
    except (OSError, ValueError):
        # Absent or garbled: nothing is remembered, and everything is hashed.
        return {}
    return entries if isinstance(entries, dict) else {}


def _remember(cache: Path, path: Path, entry: dict[str, Any] | None) -> None:
    try:
        with lock(cache, "hashes"):
            entries = _read(cache)
            entries.pop(str(path), None)
            if entry is not None:
                entries[str(path)] = entry
            with placed_file(cache / FILENAME) as file:
                file.write(json.dumps(entries, indent=1, sort_keys=True).encode())
    except (OSError, ModelError):
        # Read-only caches are normal in a cluster: the file is hashed again at the next start.
        return
