"""Checkpoints, their conversions and the texts that they are asked, made once and kept.

`python -m tests.benchmarks.weights.store [--size full]` makes what is missing in the cache, takes
older ones away, and prints the folder; `read_weights` reads it, and needs no torch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.tools.binaries import cache_folder

INDEX = "weights.json"
SEED = 7
_KEPT_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Weights:
    """Paths by search and family.  sources: checkpoints.  converted: int8, for CTranslate2.

    models: the model cache that the conversions lie in.  french, english: texts of 24 tokens.
    same: by family, the part of greedy answers that are transformers' in CTranslate2 at float32.
    """

    size: str
    models: str
    sources: dict[str, dict[str, str]]
    converted: dict[str, dict[str, str]]
    french: list[str]
    english: list[str]
    same: dict[str, float]


def read_weights(folder: Path) -> Weights:
    return Weights(**json.loads((folder / INDEX).read_text()))


def keep(size: str, root: Path) -> Path:
    """The folder of the weights of a size below `root`; of two processes one makes them."""
    from predictors.models.cache import lock
    from tests.benchmarks.weights import (
        architectures,
        making,
        parity,
        random_weights,
        searches,
        sources,
        texts,
        vocabularies,
    )
    from tests.checkpoints.kept import digest

    modules = (
        architectures,
        making,
        parity,
        random_weights,
        searches,
        sources,
        texts,
        vocabularies,
    )
    folder = root / f"{size}-{digest(modules)}"
    with lock(root, size):
        if not (folder / INDEX).exists():
            _remove_old(root.glob(f"{size}-*"))
            shutil.rmtree(folder, ignore_errors=True)
            weights = making.make_all(size, folder, SEED)
            (folder / INDEX).write_text(json.dumps(asdict(weights), indent=1))
        os.utime(folder)
    return folder


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
