"""How much work an answer is: operations, and bytes of weights that are read, from a config alone.

Only matrix products with weights count, of which nearly all of the work consists; attention over
what was said before, norms and the search come on top.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.weights.searches import LENGTHS, beams_of, prefix_of


@dataclass(frozen=True)
class Shape:
    """Weights (numbers): of the encoder, of the cross-attention's keys and values, and of a step.

    An int8 weight is a byte.
    """

    encoder: int
    keys: int
    step: int


@dataclass(frozen=True)
class Products:
    """A family of matrix products that run one after the other: rows times weights, some times."""

    rows: int
    weights: int
    times: int = 1

    def seconds(self, operations: float, read: float) -> float:
        """At least, on a machine of so many operations and bytes a second."""
        return self.times * max(2 * self.rows * self.weights / operations, self.weights / read)


def shape_of(checkpoint: Path) -> Shape:
    """Of a checkpoint's folder."""
    config = json.loads((checkpoint / "config.json").read_text())
    width = config["d_model"]
    if config["model_type"] == "t5":
        inner = config["num_heads"] * config["d_kv"]
        encoder, decoder = config["num_layers"], config["num_decoder_layers"]
        feed = 2 * width * config["d_ff"]
        feeds = feed, feed
    else:
        inner = width
        encoder, decoder = config["encoder_layers"], config["decoder_layers"]
        feeds = 2 * width * config["encoder_ffn_dim"], 2 * width * config["decoder_ffn_dim"]
    attention = width * inner
    return Shape(
        encoder=encoder * (4 * attention + feeds[0]),
        keys=decoder * 2 * attention,
        step=decoder * (6 * attention + feeds[1]) + width * config["vocab_size"],
    )


def products(shape: Shape, family: str, search: str, texts: int) -> list[Products]:
    """Of one batch."""
    # The texts of the bench are as long as what a translator to English says; an end token follows.
    read = texts * (LENGTHS["marian"] + len(prefix_of(family).split()) + 1)
    rows = texts * beams_of(family, search)
    return [
        Products(read, shape.encoder),
        Products(read, shape.keys),
        Products(rows, shape.step, times=LENGTHS[family] + 1),
    ]
