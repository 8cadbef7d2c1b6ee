"""Checkpoints, their conversions and the texts that they are asked, made once and kept.

Which texts have sound answers hangs on the engines, so texts are chosen again when those change.

`python -m tests.benchmarks.weights.store [--size full]` makes what is missing in the cache, takes
older ones away, and prints the folder; `read_weights` reads it, and needs no torch.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from tests.tools.binaries import cache_folder

INDEX = "weights.json"
_MADE = "checkpoints.json"
SEED = 7
_KEPT_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Checkpoints:
    """Paths by search and family.  sources: checkpoints.  converted: int8, for the engines.

    models: the model cache that the conversions lie in.
    """

    size: str
    models: str
    sources: dict[str, dict[str, str]]
    converted: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Weights(Checkpoints):
    """And what they are asked.  french, english: texts of 24 tokens.

    same: by family, the part of greedy answers that are transformers' in CTranslate2 at float32.
    engines: a digest of what answered when the texts were chosen.
    """

    french: list[str]
    english: list[str]
    same: dict[str, float]
    engines: str


def read_weights(folder: Path) -> Weights:
    return Weights(**json.loads((folder / INDEX).read_text()))


def keep(size: str, root: Path) -> Path:
    """The folder of the weights of a size below `root`; of two processes one makes them."""
    from predictors.models.cache import lock
    from tests.benchmarks.weights import making
    from tests.checkpoints.kept import digest

    folder = root / f"{size}-{digest(_makers())}"
    engines = digest(_answering(), ("ctranslate2", "openvino", "lingua-language-detector"))
    made, index = folder / _MADE, folder / INDEX
    with lock(root, size):
        if not made.exists():
            _remove_old(root.glob(f"{size}-*"))
            shutil.rmtree(folder, ignore_errors=True)
            _write(made, making.make_checkpoints(size, folder, SEED))
        if not index.exists() or read_weights(folder).engines != engines:
            checkpoints = Checkpoints(**json.loads(made.read_text()))
            _write(index, making.make_texts(checkpoints, engines))
        os.utime(folder)
    return folder


def _makers() -> Sequence[ModuleType]:
    """What decides the checkpoints."""
    from tests.benchmarks.weights import (
        architectures,
        making,
        parity,
        random_weights,
        searches,
        sources,
        vocabularies,
    )

    return architectures, making, parity, random_weights, searches, sources, vocabularies


def _answering() -> Sequence[ModuleType]:
    """What decides the answers, and which of them are doubtful."""
    from predictors import engines
    from predictors.translator import language, quality
    from tests.benchmarks.weights import texts

    names = (module.name for module in pkgutil.iter_modules(engines.__path__))
    found = (importlib.import_module(f"{engines.__name__}.{name}") for name in names)
    return (*found, language, quality, texts)


def _write(file: Path, found: Checkpoints) -> None:
    file.write_text(json.dumps(asdict(found), indent=1))


def _remove_old(folders: Iterable[Path]) -> None:
    """Those that nobody has used for a day; another working tree may need the others now."""
    for folder in folders:
        if folder.stat().st_mtime < time.time() - _KEPT_SECONDS:
            shutil.rmtree(folder)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.weights.store")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    options = parser.parse_args(argv)
    from tests.benchmarks.weights.making import Unfit
    from tests.benchmarks.weights.texts import TooFew

    try:
        print(keep(options.size, cache_folder(os.environ) / "bench" / "weights"))
    except (Unfit, TooFew) as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
