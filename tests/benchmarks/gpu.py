"""CTranslate2 beside transformers on a GPU, what they say and how fast: `make bench-gpu`.

It needs no peers, no cluster and no network: the checkpoints are made here, with invented words,
because the lists of real ones are large to carry. Without a GPU it runs on the processor with tiny
weights, which shows that it works and says nothing about speed.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import itertools
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.load import percentile
from tests.benchmarks.systems import ROOT
from tests.benchmarks.weights.searches import LENGTHS, SEARCHES, prefix_of

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TEXTS = 16
_SEED = 7
_LETTERS = "bcdfghjklmnpqrstvwxz"
_VOWELS = "aeiou"
# Below this, of the answers, the engines do not say the same.
LEAST = 0.9
# The names by which CTranslate2 asks the loader for CUDA 12's cuBLAS.
_CUBLAS = ("libcublasLt.so.12", "libcublas.so.12")


@dataclass(frozen=True)
class Row:
    """Turns (French to English, the chat, English to French) in batches. rate: turns a second.

    p50: seconds of a batch.
    """

    engine: str
    search: str
    batch: int
    rate: float
    p50: float


@dataclass(frozen=True)
class Found:
    """same: by family, the part of greedy answers that both engines share at float32 (0..1)."""

    device: str
    versions: dict[str, str]
    same: dict[str, float]
    rows: Sequence[Row]


def invented_words(language: str, count: int) -> list[str]:
    """Words of three syllables, other ones in each language, always the same."""
    syllables = [a + b for a in _LETTERS for b in _VOWELS]
    dice = random.Random(language)
    words = ["".join(each) for each in itertools.product(syllables, repeat=3)]
    half = words[::2] if language == "fr" else words[1::2]
    return dice.sample(half, count)


def measure(size: str, device: str, batches: Sequence[int], seconds: float, folder: Path) -> Found:
    """folder: a new one, for the checkpoints and their conversions."""
    from tests.benchmarks.weights.architectures import SIZES
    from tests.benchmarks.weights.parity import same_answers
    from tests.benchmarks.weights.sources import make_sources

    sources = make_sources(SIZES[size], folder, _SEED, invented_words)
    words = invented_words("fr", SIZES[size].words)
    dice = random.Random(_SEED)
    texts = [" ".join(dice.sample(words, LENGTHS["marian"])) for _ in range(_TEXTS)]
    same = same_answers(sources["greedy"], texts, device)
    _say(f"the same at float32: {same}")
    rows: list[Row] = []
    for search in SEARCHES:
        for engine, answer in _engines(sources[search], device, folder / "models"):
            for batch in batches:
                rows.append(_row(engine, search, batch, answer, texts, seconds))
                _say(str(rows[-1]))
    return Found(_name_of(device), _versions(), same, rows)


def _engines(
    sources: dict[str, Path], device: str, models: Path
) -> list[tuple[str, Callable[[Sequence[str]], list[str]]]]:
    """Both, at float16 on a GPU and at float32 elsewhere."""
    from predictors.conversion.convert import convert
    from tests.benchmarks.engines_alone import Engines
    from tests.benchmarks.peers.seq2seq import Seq2Seq

    dtype = "float16" if device == "cuda" else "float32"
    folders = {f: str(convert(str(path), str(models), dtype)) for f, path in sources.items()}
    steps = [Seq2Seq(str(path), prefix_of(f), device, dtype) for f, path in sources.items()]

    def answer(texts: Sequence[str]) -> list[str]:
        for step in steps:
            texts = step.answer(texts)
        return list(texts)

    fast = Engines(folders, device)
    return [(f"CTranslate2 {dtype}", fast.answer), (f"transformers {dtype}", answer)]


def _row(
    engine: str,
    search: str,
    batch: int,
    answer: Callable[[Sequence[str]], list[str]],
    texts: Sequence[str],
    seconds: float,
) -> Row:
    """One batch warms up; then as many as fit into the seconds, one at least."""
    asked = [texts[i % len(texts)] for i in range(batch)]
    answer(asked)
    taken: list[float] = []
    began = time.monotonic()
    while not taken or time.monotonic() < began + seconds:
        started = time.monotonic()
        answer(asked)
        taken.append(time.monotonic() - started)
    rate = batch * len(taken) / sum(taken)
    return Row(engine, search, batch, round(rate, 3), round(percentile(taken, 0.5), 5))


def markdown(found: Found) -> str:
    same = ", ".join(f"{family} {part:.0%}" for family, part in found.same.items())
    versions = ", ".join(f"{name} {value}" for name, value in found.versions.items())
    lines = [
        "# Turns on a GPU",
        f"\n- Device: {found.device}\n- Versions: {versions}",
        f"- Greedy answers that both engines share at float32: {same}\n",
        "| engine | search | turns at once | a second | p50, s |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.engine} | {row.search} | {row.batch} | {row.rate:.3g} | {row.p50:.3g} |"
        for row in found.rows
    ]
    return "\n".join(lines) + "\n"


def _name_of(device: str) -> str:
    import torch

    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"no GPU: {platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _versions() -> dict[str, str]:
    import torch

    packages = {name: version(name) for name in ("ctranslate2", "torch", "transformers")}
    return {**packages, "CUDA of torch": str(torch.version.cuda)}


def _find_device() -> str:
    """cuda where both engines see a GPU. CTranslate2 finds cuBLAS once it is loaded."""
    import ctranslate2
    import torch

    spec = importlib.util.find_spec("nvidia.cublas")
    for place in (spec and spec.submodule_search_locations) or ():
        for name in _CUBLAS:
            path = Path(place) / "lib" / name
            if path.exists() and torch.cuda.is_available():
                ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
    seen = torch.cuda.is_available(), ctranslate2.get_cuda_device_count() > 0
    if seen == (True, False):
        _say("torch sees a GPU and CTranslate2 does not")
    return "cuda" if all(seen) else "cpu"


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    device = _find_device()
    size = options.size or ("full" if device == "cuda" else "tiny")
    if device == "cpu":
        _say(f"no GPU here: {size} weights on the processor, whose figures say nothing of a GPU")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(size, device, options.batches, options.seconds, Path(folder))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "gpu.json").write_text(json.dumps(asdict(found), indent=1) + "\n")
    (options.out / "gpu.md").write_text(markdown(found))
    print(markdown(found))
    return int(min(found.same.values()) < LEAST)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.gpu")
    add = parser.add_argument
    add("--size", choices=("full", "tiny"), help="full where there is a GPU, else tiny")
    add("--batches", type=_numbers, default=BATCHES, metavar="N,...")
    add("--seconds", type=float, default=1.0, help="of every row; a batch is never cut")
    add("--out", type=Path, default=ROOT / "build" / "bench-gpu", metavar="FOLDER")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
