"""From what `--model` says to files that an engine can open: the one door to the weights.

Nothing is downloaded and nothing is converted here: a server starts from what is in the cache or
says which command puts it there. Every file is checked before its path is handed out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graph.errors import ModelError
from predictors.models import embedded, gguf
from predictors.models.cache import cache_folder
from predictors.models.catalogue import EMBEDDED, Licence
from predictors.models.progress import Progress, show_nothing
from predictors.models.reference import Reference, parse

Format = Literal["gguf", "ctranslate2", "transformers", "openai"]


@dataclass(frozen=True)
class ResolvedModel:
    """path: a GGUF file or a folder; of `openai`, which has no files, the current folder."""

    reference: Reference
    format: Format
    path: Path
    licence: Licence | None = None

    @property
    def name(self) -> str:
        """The model as it is named to users: never a path of the server."""
        if self.reference.kind in ("folder", "gguf"):
            return Path(self.reference.name).name
        return str(self.reference)


def resolve(
    model: str,
    models_dir: str = "",
    progress: Progress = show_nothing,
    environ: Mapping[str, str] = os.environ,
) -> ResolvedModel:
    """Raises ModelError: an unknown name or form, weights that are missing, damaged or foreign."""
    reference = parse(model)
    cache = cache_folder(models_dir, environ)
    match reference.kind:
        case "embedded":
            path = embedded.locate(reference.name, cache, progress)
            return ResolvedModel(reference, "gguf", path, EMBEDDED[reference.name].licence)
        case "gguf":
            path = Path(reference.name).expanduser().absolute()
            gguf.read_header(path)
            return ResolvedModel(reference, "gguf", path)
        case "openai":
            return ResolvedModel(reference, "openai", Path())
        case "folder":
            return _resolve_folder(reference)
        case "hf":
            raise ModelError(f"model {reference}: not in {cache}; run: parley models pull {model}")


def _resolve_folder(reference: Reference) -> ResolvedModel:
    folder = Path(reference.name).expanduser().absolute()
    if not folder.is_dir():
        raise ModelError(f"model {reference}: no such folder")
    if (folder / "model.bin").is_file():
        return ResolvedModel(reference, "ctranslate2", folder)
    if (folder / "config.json").is_file():
        return ResolvedModel(reference, "transformers", folder)
    raise ModelError(f"model {reference}: neither model.bin nor config.json lies in that folder")
