"""Checks the GGUF file that a `gguf:` reference names, before an engine opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graph.errors import ModelError
from predictors.checkpoints.gguf import read_header
from predictors.models.cache import sha256_file
from predictors.models.reference import Reference


def check_file(reference: Reference, sha256: Callable[[Path], str] = sha256_file) -> Path:
    """The file of a `gguf:` reference, whole by its header and, where that is pinned, by its hash.

    `sha256` gives a file's hash; from memory, where the file was hashed before. Raises ModelError.
    """
    path = Path(reference.name).expanduser().absolute()
    read_header(path)
    if reference.sha256:
        digest = sha256(path)
        if digest != reference.sha256:
            raise ModelError(
                f"model gguf:{path}: altered, or another file: its SHA-256 is {digest}, "
                f"not {reference.sha256}; fetch it again"
            )
    return path
