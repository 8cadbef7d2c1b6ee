"""Layers of a transformer as OpenVINO operations, over the variables of a conversion.

Rows stand first in every tensor: [rows, length, width], and with heads [rows, heads, length, size].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from openvino import opset13 as op

from graph.errors import ModelError
from predictors.checkpoints.ctranslate2_file import Array
from predictors.engines.openvino_positions import HIDDEN

# CTranslate2's, where a conversion names none: of layer norms with a shift, and without.
_EPSILON = 1e-5
_EPSILON_ROOT_MEAN_SQUARE = 1e-6
_TO_HEADS = np.array([0, 2, 1, 3])

Node = Any

# By CTranslate2's numbers (`ctranslate2.specs.common_spec.Activation`).
_ACTIVATIONS: dict[int, Callable[[Node], Node]] = {
    0: op.relu,
    1: partial(op.gelu, approximation_mode="tanh"),
    2: op.swish,
    3: partial(op.gelu, approximation_mode="erf"),
}


def constant(value: Any) -> Node:
    """A constant of its own memory; a Python float becomes a float32."""
    return op.constant(np.float32(value) if isinstance(value, float) else np.array(value))


class Layers:
    """side: "encoder" or "decoder"."""

    def __init__(self, variables: Mapping[str, Array], side: str) -> None:
        """Raises ModelError for an activation that is not known here."""
        self.variables = variables
        self.side = side
        self.heads = int(variables[f"{side}/num_heads"])
        self.inner = len(variables[f"{side}/layer_0/self_attention/linear_0/weight"]) // 3
        self.size = self.inner // self.heads
        self.width = variables[f"{side}/layer_0/ffn/linear_0/weight"].shape[1]
        self._norm_first = bool(variables[f"{side}/pre_norm"])
        activation = int(variables[f"{side}/activation"])
        if activation not in _ACTIVATIONS:
            raise ModelError(f"activation {activation} of CTranslate2: not known on openvino")
        self._activate = _ACTIVATIONS[activation]

    @property
    def count(self) -> int:
        names = (f"{self.side}/layer_{i}/self_attention/linear_0/weight" for i in range(1000))
        return next(i for i, name in enumerate(names) if name not in self.variables)

    def matrix(self, name: str, more: int = 0) -> Node:
        """Weights at float32. Those of int8 stay int8 in memory, one scale to a row.

        more: rows of zeros after them.
        """
        weights = _longer(self.variables[name], more)
        scales = self.variables.get(f"{name}_scale")
        scales = None if scales is None else _longer(scales, more, 1.0)
        if scales is None:
            return constant(weights.astype(np.float32))
        if weights.dtype != np.int8:
            return constant(weights.astype(np.float32) / scales)
        small = op.convert(op.constant(weights, shared_memory=True), "f32")
        return op.multiply(small, constant((1 / scales).astype(np.float32).reshape(-1, 1)))

    def linear(self, x: Node, name: str) -> Node:
        product = op.matmul(x, self.matrix(f"{name}/weight"), False, True)
        bias = self.variables.get(f"{name}/bias")
        return product if bias is None else op.add(product, self._row(bias))

    def norm(self, x: Node, name: str) -> Node:
        """With a mean and a shift, or, where there is no shift, by the root mean square alone."""
        scale = self._row(self.variables[f"{name}/gamma"])
        shift = self.variables.get(f"{name}/beta")
        if shift is not None:
            even = op.mvn(x, np.array([-1]), True, _EPSILON, "INSIDE_SQRT")
            return op.add(op.multiply(even, scale), self._row(shift))
        mean = op.reduce_mean(op.power(x, constant(2.0)), np.array([-1]), True)
        root = op.sqrt(op.add(mean, constant(_EPSILON_ROOT_MEAN_SQUARE)))
        return op.multiply(op.multiply(x, op.divide(constant(1.0), root)), scale)

    def embed(self, tokens: Node, table: str) -> Node:
        """Rows of a table, without what their positions add."""
        found = op.gather(self.matrix(f"{self.side}/{table}/weight"), tokens, 0)
        scale = self._scale(f"{self.side}/scale_embeddings", self.width**0.5)
        return found if scale == 1 else op.multiply(found, constant(scale))

    def place(self, x: Node, positions: Node | None) -> Node:
        """Add what positions add, where they are not added to the attention, and norm."""
        if positions is not None:
            table = self.variables[f"{self.side}/position_encodings/encodings"]
            x = op.add(x, op.gather(constant(table.astype(np.float32)), positions, 0))
        return self._norm_if_there(x, f"{self.side}/layernorm_embedding")

    def around(self, x: Node, name: str, layer: Callable[[Node], Node]) -> Node:
        """The layer `name` with its norm, added to what comes in."""
        if self._norm_first:
            return op.add(x, layer(self.norm(x, f"{name}/layer_norm")))
        return self.norm(op.add(x, layer(x)), f"{name}/layer_norm")

    def feed_forward(self, x: Node, name: str) -> Node:
        def layer(x: Node) -> Node:
            hidden = self._activate(self.linear(x, f"{name}/linear_0"))
            if f"{name}/linear_0_noact/weight" in self.variables:
                hidden = op.multiply(hidden, self.linear(x, f"{name}/linear_0_noact"))
            return self.linear(hidden, f"{name}/linear_1")

        return self.around(x, name, layer)

    def finish(self, x: Node) -> Node:
        return self._norm_if_there(x, f"{self.side}/layer_norm")

    def projected(self, x: Node, more: int) -> Node:
        """The logits of the decoder's states, and of so many words that are never said."""
        scale = self._scale("decoder/scale_outputs", self.width**-0.5)
        scaled = x if scale == 1 else op.multiply(x, constant(scale))
        product = op.matmul(scaled, self.matrix("decoder/projection/weight", more), False, True)
        bias = self.variables.get("decoder/projection/bias")
        if bias is None and not more:
            return product
        words = len(self.variables["decoder/projection/weight"])
        bias = np.zeros(words, np.float32) if bias is None else bias
        return op.add(product, self._row(_longer(bias, more, HIDDEN)))

    def split(self, x: Node, parts: int) -> list[Node]:
        """Queries, keys and values side by side: each apart, with heads."""
        sizes = [self.inner] * parts
        apart = op.variadic_split(x, 2, sizes).outputs() if parts > 1 else [x]
        shape = np.array([0, 0, self.heads, self.size])
        return [op.transpose(op.reshape(part, shape, True), _TO_HEADS) for part in apart]

    def attend(self, name: str, queries: Node, keys: Node, values: Node, mask: Node) -> Node:
        """mask: what is added to the products of queries and keys."""
        scale = self.variables.get(f"{name}/queries_scale")
        scaled = constant(float(self.size**-0.5 if scale is None else scale))
        return op.scaled_dot_product_attention(queries, keys, values, mask, scaled, causal=False)

    def join(self, x: Node) -> Node:
        """Heads side by side again."""
        return op.reshape(op.transpose(x, _TO_HEADS), np.array([0, 0, self.inner]), True)

    def _norm_if_there(self, x: Node, name: str) -> Node:
        return self.norm(x, name) if f"{name}/gamma" in self.variables else x

    def _scale(self, name: str, otherwise: float) -> float:
        """A number, or whether a default one is meant; 1 where nothing is said."""
        value = self.variables.get(name)
        if value is None:
            return 1.0
        if value.dtype == np.float32:
            return float(value)
        return otherwise if value else 1.0

    def _row(self, values: Array) -> Node:
        return constant(values.astype(np.float32).reshape(1, 1, -1))


def _longer(values: Array, rows: int, fill: float = 0.0) -> Array:
    if not rows:
        return values
    return np.concatenate([values, np.full((rows, *values.shape[1:]), fill, values.dtype)])
