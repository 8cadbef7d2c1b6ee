"""The graphs of a conversion, compiled for the CPU, and texts that are being written on them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openvino

from predictors.checkpoints.ctranslate2_file import Array, Converted
from predictors.engines.openvino_graph import decoder_graph, encoder_graph, is_relative
from predictors.engines.openvino_positions import HIDDEN, Positions
from predictors.engines.openvino_sources import Sources

_GROUP = 128
# So many places that no text sees any more are worth to copy the others (of 2, 4, 8 and 16).
FORGOTTEN = 8


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
        candidates = min(candidates, len(variables["decoder/projection/weight"]))
        self.counts_positions = not is_relative(variables)
        self.positions = {side: Positions(variables, side) for side in ("encoder", "decoder")}
        with ThreadPoolExecutor(2) as pool:
            graphs = encoder_graph(variables), decoder_graph(variables, candidates)
            both = pool.map(lambda graph: core.compile_model(graph, "CPU", options), graphs)
            self.encoder, self.decoder = both
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
    """Texts that are written together, on one stream. For one thread at a time.

    Each may come and go between two steps. All rows of the state have a place for each step since
    the first text came; those from before a row's own text came are hidden from it.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._encoder = network.encoder.create_infer_request()
        self._decoder = network.decoder.create_infer_request()
        self._sources = Sources()
        self.clear()

    def clear(self) -> None:
        """Write no text any more."""
        self._place = 0
        # Where the text of each item began.
        self._began: Array = np.zeros(0, np.int64)

    def add(self, sources: Sequence[Sequence[int]]) -> None:
        """Read more sources, as tokens. Each is the same whatever stands beside it."""
        lengths = [len(source) for source in sources]
        if len(self._began):
            self._sources.make_room(lengths)
            self._sources.add(self._encode(sources), lengths)
        else:
            self.clear()
            self._decoder.reset_state()
            self._sources.begin(self._encode(sources), lengths)
        self._began = np.concatenate([self._began, np.full(len(sources), self._place)])
        self._give_sources()

    def step(self, tokens: Array, parents: Array) -> None:
        """Write a token to each row, which goes on from a row of the step before.

        tokens, parents: [rows]. The rows of an item stand together, as many for each. Of one that
        has just begun, the parents may be any.
        """
        first = int(self._began.min())
        if first >= FORGOTTEN:
            self._forget(first)
        began = np.repeat(self._began, len(tokens) // len(self._began))
        positions, written = self._network.positions["decoder"].of_tokens(self._place, began)
        inputs = {
            "tokens": tokens.astype(np.int32)[:, None],
            "written": written,
            "beam_idx": parents.astype(np.int32),
            "known": (began < self._place).astype(np.float32)[:, None, None],
        }
        if self._network.counts_positions:
            inputs["positions"] = positions
        for name, values in inputs.items():
            self._decoder.set_tensor(name, openvino.Tensor(np.ascontiguousarray(values)))
        self._decoder.infer()
        self._place += 1

    def best(self) -> tuple[Array, Array]:
        """The likeliest words of each row in their order: log-probabilities and words.

        Both are [rows, candidates].
        """
        logits, tokens, sums = (self._decoder.get_output_tensor(i).data for i in range(3))
        return logits - logits[:, :1] - sums, tokens

    def logits(self) -> Array:
        """Of all words: [rows, words]."""
        return np.asarray(self._decoder.get_output_tensor(3).data)

    def keep(self, items: Sequence[int]) -> None:
        """Go on with these items alone: the parents of the next step are rows as they were."""
        if not items:
            self.clear()
            return
        self._sources.keep(items)
        self._began = self._began[items]
        self._give_sources()

    def _forget(self, places: int) -> None:
        """Let go of the first places, which are hidden from every text."""
        for state in self._decoder.query_state():
            kept = np.ascontiguousarray(state.state.data[:, :, places:])
            state.state = openvino.Tensor(kept)
        self._place -= places
        self._began -= places

    def _encode(self, sources: Sequence[Sequence[int]]) -> list[Array]:
        """Keys and values, in the encoder's own memory, which it uses again the next time."""
        longest = max(map(len, sources))
        tokens = np.zeros((len(sources), longest), np.int32)
        mask = np.full((len(sources), 1, 1, longest), HIDDEN, np.float32)
        for i, source in enumerate(sources):
            tokens[i, : len(source)] = source
            mask[i, ..., : len(source)] = 0
        positions = self._network.positions["encoder"].of_text(longest)
        self._encoder.infer([tokens, positions, mask])
        count = len(self._network.encoder.outputs)
        return [self._encoder.get_output_tensor(i).data for i in range(count)]

    def _give_sources(self) -> None:
        self._decoder.set_tensor("mask", openvino.Tensor(self._sources.mask()))
        for i, tensor in enumerate(self._sources.tensors()):
            self._decoder.set_tensor(f"source_{i}", tensor)
