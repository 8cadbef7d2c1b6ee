"""An encoder and a decoder as OpenVINO graphs, from the variables of a conversion.

The decoder goes on by one token for each row. It keeps the keys and values of the tokens before as
a state, whose rows an input reorders, so that beams cost nothing to reorder. Those of the source
are inputs: all beams of an item read the same, as queries of one attention.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import openvino
from openvino import opset6, opset13

from predictors.checkpoints.ctranslate2_file import Array
from predictors.engines.openvino_layers import Layers, Node, constant

_ANY = -1


def encoder_graph(variables: Mapping[str, Array]) -> Any:
    """Tokens [items, length], positions, mask [items, 1, 1, length] to keys and values.

    Keys and values are those of each layer of the decoder, [items, heads, length, size].
    """
    layers = Layers(variables, "encoder")
    tokens = _parameter([_ANY, _ANY], "tokens", np.int32)
    relative = is_relative(variables)
    # Where the tokens stand, or what that adds to the attention.
    positions = (
        _parameter([1, layers.heads, _ANY, _ANY], "positions")
        if relative
        else _parameter([_ANY], "positions", np.int32)
    )
    mask = _parameter([_ANY, 1, 1, _ANY], "mask")
    added = opset13.add(positions, mask) if relative else mask
    x = layers.embed(tokens, "embeddings_0")
    x = layers.place(x, None if relative else positions)
    for i in range(layers.count):
        name = f"encoder/layer_{i}"

        def attention(x: Node, name: str = f"{name}/self_attention") -> Node:
            queries, keys, values = layers.split(layers.linear(x, f"{name}/linear_0"), 3)
            attended = layers.join(layers.attend(name, queries, keys, values, added))
            return layers.linear(attended, f"{name}/linear_1")

        x = layers.around(x, f"{name}/self_attention", attention)
        x = layers.feed_forward(x, f"{name}/ffn")
    x = layers.finish(x)
    decoder = Layers(variables, "decoder")
    names = [f"decoder/layer_{i}/attention/linear_1" for i in range(decoder.count)]
    outputs = [out for name in names for out in decoder.split(decoder.linear(x, name), 2)]
    results = [opset13.result(output) for output in outputs]
    return openvino.Model(results, [tokens, positions, mask], "encoder")


def decoder_graph(variables: Mapping[str, Array], candidates: int) -> Any:
    """The next token of each row: the logits of the best so many, which they are, and what tells
    the log-probabilities of them [rows, 1]: the logarithm of the sum of all exponentials beside the
    greatest one. Then the logits of all words [rows, words].

    Inputs: tokens [rows, 1]; positions [rows, 1], where embeddings have any; written [rows or 1,
    heads or 1, 1, tokens], which is added to the attention to what was written, and hides what is
    not of a row's own text; beam_idx [rows] (the row that each goes on from); mask [items, 1, 1,
    length]; known [rows, 1, 1] (0 where a row begins with no token); and the encoder's keys and
    values. Words are many, so that what is done with all of them is as little as possible.
    """
    return _Decoder(variables).graph(candidates)


def is_relative(variables: Mapping[str, Array]) -> bool:
    """Whether positions are told to the attention, as T5's are, and not to the embeddings."""
    return "decoder/layer_0/self_attention/relative_attention_bias" in variables


class _Decoder:
    def __init__(self, variables: Mapping[str, Array]) -> None:
        self._layers = layers = Layers(variables, "decoder")
        self._relative = is_relative(variables)
        self._begins_with_zeros = bool(variables["decoder/start_from_zero_embedding"])
        self._words = len(variables["decoder/projection/weight"])
        self._tokens = _parameter([_ANY, 1], "tokens", np.int32)
        self._positions = _parameter([_ANY, 1], "positions", np.int32)
        heads = layers.heads if self._relative else 1
        self._written = _parameter([_ANY, heads, 1, _ANY], "written")
        self._parents = _parameter([_ANY], "beam_idx", np.int32)
        self._mask = _parameter([_ANY, 1, 1, _ANY], "mask")
        self._known = _parameter([_ANY, 1, 1], "known")
        source = [_ANY, layers.heads, _ANY, layers.size]
        self._source = [_parameter(source, f"source_{i}") for i in range(2 * layers.count)]
        self._kept: list[Node] = []

    def graph(self, candidates: int) -> Any:
        size = group_size(self._words, candidates)
        groups = -(-self._words // size)
        padded = self._layers.projected(self._states(), groups * size - self._words)
        logits = opset13.reshape(padded, np.array([-1, groups * size]), False)
        best, tokens = best_words(logits, groups, size, candidates)
        greatest = opset13.gather(best, np.array([0]), np.array(1))
        powers = opset13.exp(opset13.subtract(logits, greatest))
        sums = opset13.log(opset13.reduce_sum(powers, np.array([1]), True))
        inputs = [self._tokens, self._written, self._parents, self._mask, self._known]
        inputs += [] if self._relative else [self._positions]
        results = [best, tokens, sums, logits]
        return openvino.Model(
            [opset13.result(out) for out in results], self._kept, inputs + self._source, "decoder"
        )

    def _states(self) -> Node:
        layers = self._layers
        x = layers.embed(self._tokens, "embeddings")
        if self._begins_with_zeros:
            x = opset13.multiply(x, self._known)
        x = layers.place(x, None if self._relative else self._positions)
        for i in range(layers.count):
            name = f"decoder/layer_{i}"
            x = layers.around(x, f"{name}/self_attention", partial(self._to_itself, i=i))
            x = layers.around(x, f"{name}/attention", partial(self._to_source, i=i))
            x = layers.feed_forward(x, f"{name}/ffn")
        return layers.finish(x)

    def _to_itself(self, x: Node, i: int) -> Node:
        layers, name = self._layers, f"decoder/layer_{i}/self_attention"
        queries, *new = layers.split(layers.linear(x, f"{name}/linear_0"), 3)
        keys, values = (self._with_past(part, f"past_{2 * i + j}") for j, part in enumerate(new))
        attended = layers.attend(name, queries, keys, values, self._written)
        return layers.linear(layers.join(attended), f"{name}/linear_1")

    def _with_past(self, new: Node, name: str) -> Node:
        """All keys or values of a row, which become the state `name`."""
        heads, size = self._layers.heads, self._layers.size
        rows = opset13.gather(opset13.shape_of(self._tokens, "i64"), np.array([0]), np.array(0))
        none = opset13.concat([rows, constant([heads, 0, size])], 0)
        kind = openvino.Type.f32, openvino.PartialShape([_ANY, heads, _ANY, size])
        past = opset6.read_value(opset13.broadcast(constant(0.0), none), name, *kind)
        both = opset13.concat([opset13.gather(past, self._parents, constant(0)), new], 2)
        self._kept.append(opset6.assign(both, name))
        return both

    def _to_source(self, x: Node, i: int) -> Node:
        layers, name = self._layers, f"decoder/layer_{i}/attention"
        keys, values = self._source[2 * i : 2 * i + 2]
        asked = layers.linear(x, f"{name}/linear_0")
        items = opset13.gather(opset13.shape_of(keys, "i64"), np.array([0]), np.array(0))
        # An item's beams become the length of its queries, and rows again afterwards.
        by_item = opset13.concat([items, constant([-1, layers.inner])], 0)
        [queries] = layers.split(opset13.reshape(asked, by_item, False), 1)
        attended = layers.join(layers.attend(name, queries, keys, values, self._mask))
        by_row = opset13.reshape(attended, np.array([-1, 1, layers.inner]), False)
        return layers.linear(by_row, f"{name}/linear_2")


def group_size(words: int, count: int) -> int:
    """Of groups of words, the best `count` of which are wanted: the fewest values are ranked."""
    size = round((words / count) ** 0.5)
    return size if words // size > count else 1


def best_words(logits: Node, groups: int, size: int, count: int) -> tuple[Node, Node]:
    """The greatest of each row in their order, and where they stand: [rows, count] both.

    logits: [rows, groups * size]. The best so many words are in as many groups, whose own best are
    the best of all groups, and to find a maximum takes a small part of the time of a ranking.
    """
    if size == 1:
        return _ranked(logits, count)
    grouped = opset13.reshape(logits, np.array([0, groups, size]), True)
    _, likely = _ranked(opset13.reduce_max(grouped, np.array([2]), False), count)
    among = opset13.gather(grouped, likely, constant(1), batch_dims=1)
    best, places = _ranked(opset13.reshape(among, np.array([0, count * size]), True), count)
    width = constant(np.int32(size))
    group = opset13.gather_elements(likely, opset13.divide(places, width), 1)
    return best, opset13.add(opset13.multiply(group, width), opset13.mod(places, width))


def _ranked(values: Node, count: int) -> tuple[Node, Node]:
    best = opset13.topk(values, constant(count), 1, "max", "value", "i32")
    return best.output(0), best.output(1)


def _parameter(shape: list[int], name: str, kind: Any = np.float32) -> Node:
    parameter = opset13.parameter(shape, kind, name)
    parameter.output(0).tensor.set_names({name})
    return parameter
