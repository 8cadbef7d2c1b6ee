"""How much work an answer is, and where perf says that it goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.samples import shares_of
from tests.benchmarks.work import Products, Shape, products, shape_of

BLENDERBOT = {
    "model_type": "blenderbot",
    "d_model": 1280,
    "encoder_layers": 2,
    "decoder_layers": 12,
    "encoder_ffn_dim": 5120,
    "decoder_ffn_dim": 5120,
    "vocab_size": 8008,
}
T5 = {
    "model_type": "t5",
    "d_model": 512,
    "d_kv": 64,
    "d_ff": 2048,
    "num_heads": 8,
    "num_layers": 6,
    "num_decoder_layers": 6,
    "vocab_size": 32128,
}


@pytest.mark.parametrize(("config", "millions"), [(BLENDERBOT, 364), (T5, 60)])
def test_the_weights_of_a_shape_are_those_of_the_checkpoint(
    config: dict[str, object], millions: int, tmp_path: Path
):
    """facebook/blenderbot-400M-distill has 365 million parameters, t5-small 60."""
    shape = written(config, tmp_path)
    # The embeddings are the output layer's weights, once more.
    assert round((shape.encoder + shape.keys + shape.step) / 1e6) == pytest.approx(millions, abs=2)


def test_beams_are_rows_of_a_step_and_not_of_the_encoder(tmp_path: Path):
    shape = written(BLENDERBOT, tmp_path)
    greedy, beams = (products(shape, "blenderbot", s, 2) for s in ("greedy", "beams"))
    assert [each.rows for each in greedy] == [50, 50, 2]
    assert [each.rows for each in beams] == [50, 50, 20]


def test_few_rows_wait_for_memory_and_many_for_the_arithmetic():
    few, many = Products(1, 1000), Products(100, 1000)
    assert few.seconds(operations=1e4, read=1e3) == 1000 / 1e3
    assert many.seconds(operations=1e4, read=1e3) == 2 * 100 * 1000 / 1e4


def test_lines_of_perf_are_added_up_by_what_was_done():
    report = """# Overhead  Shared Object  Symbol
    60.00%  [JIT] tid 12          [.] 0x00007f4628609073
    10.00%  libctranslate2.so.4   [.] dnnl::impl::cpu::x64::gemm_kernel<signed char>
     8.00%  libctranslate2.so.4   [.] ctranslate2::primitives<0>::compute_u8_compensation
    12.00%  libctranslate2.so.4   [.] ctranslate2::ops::SoftMax
     5.00%  libpython3.11.so.1.0  [.] _PyEval_EvalFrameDefault
     5.00%  [kernel.kallsyms]     [k] exc_page_fault
"""
    assert shares_of(report) == pytest.approx(
        {
            "matrix products": 0.7,
            "int8 from and to floating point": 0.08,
            "attention, norms, search": 0.12,
            "Python, tokens and the rest": 0.05,
            "the kernel: pages and threads": 0.05,
        }
    )


def written(config: dict[str, object], folder: Path) -> Shape:
    (folder / "config.json").write_text(json.dumps(config))
    return shape_of(folder)
