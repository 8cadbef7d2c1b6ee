"""Which conversion of a checkpoint a server takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.models.conversions import QUANTIZATIONS
from predictors.models.manifest import CONVERSION_VERSION, Manifest, hash_folder, write_manifest
from predictors.models.resolve import by_preference, resolve


@pytest.mark.parametrize(
    ("device", "gpus", "best"),
    [
        ("cpu", 0, "int8"),
        ("cpu", 1, "int8"),
        ("cuda", 0, "float16"),
        ("auto", 0, "int8"),
        ("auto", 2, "float16"),
    ],
)
def test_a_gpu_takes_float16_and_a_cpu_int8(device: str, gpus: int, best: str) -> None:
    order = by_preference(device, gpus)
    assert order[0] == best
    assert sorted(order) == sorted(QUANTIZATIONS)


def converted(folder: Path, version: str) -> Path:
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    settings = {"quantization": "int8", "loaders": version}
    write_manifest(folder, Manifest("conversion", "/toy", hash_folder(folder), settings))
    return folder


def test_a_conversion_of_another_version_is_refused_with_the_fix(tmp_path: Path) -> None:
    now = converted(tmp_path / "now", CONVERSION_VERSION)
    assert resolve(str(now), str(tmp_path / "cache")).format == "ctranslate2"
    old = converted(tmp_path / "old", "1")
    with pytest.raises(ModelError, match="another version of Parley; run `parley models convert`"):
        resolve(str(old), str(tmp_path / "cache"))


def test_a_conversion_of_another_version_is_passed_over(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "converted").mkdir(parents=True)
    model = f"hf:toy/model@{'0' * 40}"
    for name, version in (("old", "1"), ("now", CONVERSION_VERSION)):
        folder = converted(cache / "converted" / name, version)
        settings = {"quantization": "int8", "loaders": version}
        write_manifest(folder, Manifest("conversion", model, hash_folder(folder), settings))
    assert resolve(model, str(cache)).path.name == "now"
