"""A conversion's weights are read as CTranslate2 writes them, and a damaged file is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ctranslate2.specs import model_spec, transformer_spec

from graph.errors import ModelError
from predictors.checkpoints.ctranslate2_file import read_converted

WIDTH, WORDS = 4, ["<s>", "</s>", "<unk>", "a", "b"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A conversion of one layer, whose output weights are another name for the embeddings."""
    spec = transformer_spec.TransformerSpec.from_config(1, 2)
    fill(spec)
    table = np.arange(len(WORDS) * WIDTH, dtype=np.float32).reshape(len(WORDS), WIDTH)
    spec.encoder.embeddings[0].weight = table
    spec.decoder.embeddings.weight = table
    spec.decoder.projection.weight = table
    spec.register_source_vocabulary(WORDS)
    spec.register_target_vocabulary(WORDS)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"decoder_start_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def fill(spec: transformer_spec.TransformerSpec) -> None:
    """Give every weight a value."""

    def visit(layer: object, path: str, value: object) -> None:
        if value is None:
            name = path.rpartition("/")[2]
            vector = name in ("gamma", "beta", "bias")
            setattr(layer, name, np.ones(WIDTH if vector else (WIDTH, WIDTH), np.float32))

    model_spec.visit_spec(spec, visit)


def test_weights_are_read_with_their_scales_also_under_other_names(folder: Path) -> None:
    model = read_converted(folder)
    assert (model.words, model.start, model.end) == (WORDS, "<s>", "</s>")
    small = model.variables["decoder/projection/weight"]
    assert small.dtype == np.int8
    scales = model.variables["decoder/projection/weight_scale"]
    expected = np.arange(len(WORDS) * WIDTH).reshape(len(WORDS), WIDTH)
    assert np.allclose(small / scales[:, None], expected, atol=0.1)
    model.forget()
    assert np.allclose(small / scales[:, None], expected, atol=0.1)


@pytest.mark.parametrize("kept", [0, 3, 40, 500])
def test_a_file_that_is_cut_short_is_refused(folder: Path, kept: int) -> None:
    whole = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(whole[:kept])
    with pytest.raises(ModelError, match="convert the model again"):
        read_converted(folder)


def test_a_file_of_another_version_is_refused(folder: Path) -> None:
    whole = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(bytes([9]) + whole[1:])
    with pytest.raises(ModelError, match="version 9"):
        read_converted(folder)
