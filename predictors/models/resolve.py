"""Turns what `--model` says into files that an engine can open: the one way to the weights.

Nothing is downloaded and nothing is converted here: a server starts from what is in the cache or
says which command puts it there. Every file is checked before its path is handed out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from graph.errors import ModelError
from predictors.checkpoints.files import check_source
from predictors.models import embedded, gguf
from predictors.models.cache import cache_folder
from predictors.models.catalogue import EMBEDDED, Licence
from predictors.models.conversions import content_hash, conversions, source_folder
from predictors.models.manifest import FILENAME as MANIFEST
from predictors.models.manifest import check_folder, has_manifest, read_manifest
from predictors.models.reference import Reference, parse
from predictors.models.remembered_hashes import remembered_sha256
from predictors.progress import Progress, show_nothing

Format = Literal["gguf", "ctranslate2", "transformers", "openai"]


@dataclass(frozen=True)
class ResolvedModel:
    """path: a GGUF file or a folder; the current folder for `openai`, which has no files."""

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
    *,
    engine: str = "auto",
    device: str = "auto",
) -> ResolvedModel:
    """The files of the model; for a checkpoint, the best conversion that fits engine and device.

    Without one it is the checkpoint itself. Raises ModelError for an unknown name or form, and for
    weights that are missing, damaged or foreign.
    """
    reference = parse(model)
    cache = cache_folder(models_dir, environ)
    match reference.kind:
        case "embedded":
            path = embedded.locate(reference.name, cache, progress)
            return ResolvedModel(reference, "gguf", path, EMBEDDED[reference.name].licence)
        case "gguf":
            path = gguf.check_file(reference, lambda path: remembered_sha256(cache, path, progress))
            return ResolvedModel(reference, "gguf", path)
        case "openai":
            return ResolvedModel(reference, "openai", Path())
        case "folder" | "hf":
            return _resolve_checkpoint(reference, cache, progress, engine, device)


def _resolve_checkpoint(
    reference: Reference, cache: Path, progress: Progress, engine: str, device: str
) -> ResolvedModel:
    def checked(folder: Path) -> Path:
        manifest = read_manifest(folder)
        check_folder(folder, manifest, lambda path: remembered_sha256(cache, path, progress))
        return folder

    if reference.kind == "folder":
        folder = source_folder(reference, cache)
        if not folder.is_dir():
            raise ModelError(f"model {reference}: no such folder")
        if has_manifest(folder) and read_manifest(folder).kind == "conversion":
            if not read_manifest(folder).is_current:
                raise ModelError(
                    f"model {reference}: converted by another version of Parley; run "
                    "`parley models convert` on the checkpoint again"
                )
            return ResolvedModel(reference, "ctranslate2", checked(folder))
        if (folder / "model.bin").is_file():
            raise ModelError(
                f"model {reference}: {MANIFEST} is missing, so it is not known where it is from; "
                "run `parley models convert` on the checkpoint"
            )
        check_source(folder, pickles=True)
    if engine in ("auto", "ctranslate2", "openvino"):
        found = _best_conversion(reference, cache, progress, device)
        if found is not None:
            return ResolvedModel(reference, "ctranslate2", checked(found))
        if engine != "auto":
            raise ModelError(f"model {reference}: run first: parley models convert {reference}")
    source = source_folder(reference, cache)
    if has_manifest(source):
        checked(source)
    check_source(source, pickles=False)
    return ResolvedModel(reference, "transformers", source)


def _best_conversion(
    reference: Reference, cache: Path, progress: Progress, device: str
) -> Path | None:
    """A folder is known by its content, which may change; a hub's model by its revision."""
    found = [each for each in conversions(cache) if each.manifest.is_current]
    if reference.kind == "hf":
        found = [each for each in found if each.manifest.source == str(reference)]
    elif found:
        content = content_hash(source_folder(reference, cache), cache, progress)
        found = [each for each in found if each.manifest.settings.get("content") == content]
    order = by_preference(device, gpus() if device == "auto" else 0)
    ranked = sorted(found, key=lambda each: order.index(each.manifest.settings["quantization"]))
    return ranked[0].path if ranked else None


def by_preference(device: str, gpus: int) -> tuple[str, ...]:
    """Quantizations for `--device`, the best first; `gpus`: how many `auto` has to choose from."""
    on_gpu = device == "cuda" or (device == "auto" and gpus > 0)
    return ("float16", "float32", "int8") if on_gpu else ("int8", "float32", "float16")


def gpus() -> int:
    """How many the engine that reads conversions finds; none where it is not installed."""
    if find_spec("ctranslate2") is None:
        return 0
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())
