"""A pod's init container waits for the conversion that its server will open."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictors.models.manifest import CONVERSION_VERSION, Manifest, write_manifest
from predictors.models.wait import main

MODEL = "hf:google-t5/t5-small@df1b051c49625cf57a3d0d8d3863ed4d13564fe4"
OTHER = "hf:google-t5/t5-small@main"


def place(cache: Path, source: str, loaders: str = CONVERSION_VERSION) -> None:
    folder = cache / "converted" / f"t5-{abs(hash((source, loaders)))}"
    folder.mkdir(parents=True)
    settings = {"loaders": loaders, "quantization": "int8"}
    write_manifest(folder, Manifest("conversion", source, {}, settings))


def test_it_ends_at_once_where_the_conversion_is_there(tmp_path: Path) -> None:
    place(tmp_path, MODEL)

    def refuse(seconds: float) -> None:
        raise AssertionError("it waited")

    assert main([MODEL], {"PARLEY_MODELS": str(tmp_path)}, refuse) == 0


def test_it_waits_until_the_very_conversion_appears(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another revision or another version's conversion is not what the server will open."""
    placing = iter([(OTHER, CONVERSION_VERSION), (MODEL, "0"), (MODEL, CONVERSION_VERSION)])
    assert (
        main([MODEL], {"PARLEY_MODELS": str(tmp_path)}, lambda _: place(tmp_path, *next(placing)))
        == 0
    )
    assert next(placing, None) is None
    assert capsys.readouterr().err == f"waiting for {MODEL} in {tmp_path}\n"


def test_a_model_that_is_no_reference_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["t5-small"], {}) == 2
    assert "predictors.models.wait: model 't5-small': unknown" in capsys.readouterr().err
