"""The graphs of a conversion, compiled for the CPU, and texts that are being written on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino

from predictors.checkpoints.ctranslate2_file import Array, Converted
from predictors.engines.openvino_graph import decoder_graph, encoder_graph
from predictors.engines.openvino_positions import Positions

# Softmax makes exactly nothing of it.
_HIDDEN = -1e9
_GROUP = 128


class Network:
    """streams: calls at a time, which share the threads.  candidates: tokens a row are ranked."""

    def __init__(self, model: Converted, *, threads: int, streams: int, candidates: int) -> None:
        variables = model.variables
        core = openvino.Core()
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            # In bfloat16 or with small keys and values, answers would be others.
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP,
            # The cores belong to other models too.
            "ENABLE_CPU_PINNING": False,
        }
        self.candidates = candidates
        self.words = len(variables["decoder/projection/weight"])
        self.positions = {side: Positions(variables, side) for side in ("encoder", "decoder")}
        self.encoder = core.compile_model(encoder_graph(variables), "CPU", options)
        self.decoder = core.compile_model(decoder_graph(variables, candidates), "CPU", options)
        # The constants of the graphs lie in its file, which must stay open.
        self._model = model

    def forget_file(self) -> None:
        """To be called after a first step, for which the weights are laid out anew in memory."""
        self._model.forget()

    def release(self) -> None:
        """Give back what lies between the layers, until the next call."""
        for compiled in (self.encoder, self.decoder):
            compiled.release_memory()


class Writing:
    """Texts that are written together, on one stream. For one thread at a time."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._encoder = network.encoder.create_infer_request()
        self._decoder = network.decoder.create_infer_request()
        self.words = network.words
        self.candidates = network.candidates

    def begin(self, sources: Sequence[Sequence[int]]) -> None:
        """Read the sources, as tokens. Each is the same whatever stands beside it."""
        longest = max(map(len, sources))
        tokens = np.zeros((len(sources), longest), np.int32)
        mask = np.full((len(sources), 1, 1, longest), _HIDDEN, np.float32)
        for i, source in enumerate(sources):
            tokens[i, : len(source)] = source
            mask[i, ..., : len(source)] = 0
        positions = self._network.positions["encoder"].of_text(longest)
        self._encoder.infer([tokens, positions, mask])
        count = len(self._network.encoder.outputs)
        self._read = [self._encoder.get_output_tensor(i) for i in range(count)]
        self._mask = mask
        self._place = 0
        self._decoder.reset_state()
        self._give_source()

    def step(self, tokens: Array, parents: Array, bias: Array, scores: Array) -> None:
        """Write a token to each row, which goes on from a row of the step before.

        tokens, parents, scores: [rows].  bias: [rows, words].  The rows of an item stand together,
        as many for each.
        """
        inputs = {
            "tokens": tokens.astype(np.int32)[:, None],
            "positions": self._network.positions["decoder"].of_token(self._place),
            "beam_idx": parents.astype(np.int32),
            "known": np.array([self._place > 0], np.float32),
            "scores": scores.astype(np.float32)[:, None],
        }
        for name, values in inputs.items():
            self._decoder.set_tensor(name, openvino.Tensor(np.ascontiguousarray(values)))
        self._decoder.set_tensor("bias", openvino.Tensor(bias, shared_memory=True))
        self._decoder.infer()
        self._place += 1

    def best(self) -> tuple[Array, Array]:
        """The candidates of each row, the best first: scores and tokens [rows, candidates]."""
        return self._decoder.get_output_tensor(0).data, self._decoder.get_output_tensor(1).data

    def logits(self) -> Array:
        """Of all words, without bias and scores: [rows, words]."""
        return np.asarray(self._decoder.get_output_tensor(2).data)

    def keep(self, items: Sequence[int]) -> None:
        """Go on with these items alone: the parents of the next step are rows as they were."""
        self._read = [openvino.Tensor(tensor.data[items]) for tensor in self._read]
        self._mask = self._mask[items]
        self._give_source()

    def _give_source(self) -> None:
        self._decoder.set_tensor("mask", openvino.Tensor(np.ascontiguousarray(self._mask)))
        for i, tensor in enumerate(self._read):
            self._decoder.set_tensor(f"source_{i}", tensor)
