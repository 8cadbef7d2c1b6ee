"""What may be converted or loaded as a transformers checkpoint: a folder with a config and weights.

Weights are safetensors, whose header is checked against the file's size before anything reads them.
Pickles (`.bin`, `.pt`) can run code when they are read; they pass here only for `convert`, which
reads them with torch's restricted loader, and never for a server.
"""

from __future__ import annotations

import json
from pathlib import Path

from graph.errors import ModelError

# What a conversion depends on, and so what a pull fetches; the rest of a repository is left there.
WANTED = ("*.json", "*.safetensors", "*.model", "*.spm", "*.txt", "*.jinja")
PICKLES = ("pytorch_model*.bin",)
_PICKLE_ENDS = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_HEADER_LIMIT = 100_000_000


def check_source(folder: Path, *, pickles: bool) -> None:
    """Raises ModelError: no config, no weights, cut short, or pickles where refused."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder / 'config.json'}: missing; this is no transformers checkpoint")
    weights = safetensors_of(folder)
    for path in weights:
        check_safetensors(path)
    if weights:
        return
    found = pickles_of(folder)
    if not found:
        raise ModelError(f"{folder}: no weights (*.safetensors) lie there")
    if not pickles:
        raise ModelError(
            f"{found[0]}: a pickle, which can run code when it is loaded; "
            "run `parley models convert` and serve what that makes"
        )


def safetensors_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def pickles_of(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in _PICKLE_ENDS and p.is_file())


def check_safetensors(path: Path) -> None:
    """Raises ModelError when the file is foreign or is not as long as its header says.

    Layout: eight bytes of header length, little-endian, a JSON header, the tensors (safetensors'
    own format description).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _HEADER_LIMIT):
            raise ModelError(f"{path}: not a whole safetensors file; fetch it again")
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for n, entry in header.items() if n != "__metadata__"]
            needed = 8 + length + max(ends, default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as err:
            raise ModelError(f"{path}: not a safetensors file") from err
    if size != needed:
        raise ModelError(
            f"{path}: {size} bytes, not {needed}: cut short or altered; fetch it again"
        )
