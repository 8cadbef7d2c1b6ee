"""Engine on OpenVINO: converted encoder-decoder checkpoints, on CPUs.

It reads the same folder as the engine on CTranslate2 and gives transformers' own answers: its
searches are written here (`search`), and what a source forbids never costs a second one. A call
keeps all threads of a stream busy, so a request that comes alone has several cores. A sampling's
seed is not honoured, because requests of different seeds share a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from graph.errors import EngineError, ModelError
from predictors.checkpoints.ctranslate2_file import Converted, read_converted
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import Generation, read_generation
from predictors.checkpoints.tokens import Tokens
from predictors.engine import Prompt, Sampling
from predictors.engines.converted import ConvertedEngine, Opened
from predictors.engines.encoder_decoder import Reader
from predictors.engines.search import Search, Source
from predictors.engines.spare_memory import trim
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.calls import Call
from predictors.scheduling.cores import Cores

if TYPE_CHECKING:
    from predictors.engines.openvino_network import Network, Writing

# More threads than these wait for each other more than they help at the few rows of a step.
_WIDEST = 4
# Items of a call for each of its threads.
_BATCH = 16
# Rows (texts by beams) of a batch that is not joined any more. Up to here a step takes hardly
# longer for one more; beyond, to skip the places of others costs a row more than that saves.
_JOINED = 32
# Words that are ranked beside those that a search needs, for some of them may not be said.
_SPARE = 8


class OpenVINO(ConvertedEngine):
    """A converted folder on `threads` CPU threads.

    cores: those that it shares with other models of the process.
    """

    def __init__(self, path: Path, model: str, *, threads: int, cores: Cores | None = None) -> None:
        super().__init__(path, model)
        self._threads = threads
        self._cores = cores

    def open(self, description: CheckpointDescription, tokens: Tokens) -> Opened:
        if not description.is_encoder_decoder:
            raise ModelError(
                f"{self._model}: not an encoder-decoder model; use --engine=ctranslate2"
            )
        from predictors.engines.openvino_network import Network

        converted = read_converted(self._path)
        streams = -(-self._threads // _WIDEST)
        beams = read_generation(description.generation).num_beams
        candidates = 2 * max(4, beams) + _SPARE
        network = Network(converted, threads=self._threads, streams=streams, candidates=candidates)
        model = _EncoderDecoder(network, converted, Reader(tokens, description, self._model))
        model.open(streams)
        width = self._threads // streams
        batcher = MicroBatcher[Any, Any, list[str]](
            model.work,
            batch=_BATCH * width,
            joins=True,
            workers=streams,
            width=width,
            cores=self._cores,
            tokens=model.tokens_of,
        )
        return Opened(model, batcher, "cpu", model.give_back)


class _EncoderDecoder:
    """network: compiled.  converted: where it was read from."""

    def __init__(self, network: Network, converted: Converted, reader: Reader) -> None:
        self._network = network
        self._words = converted.words
        self._reader = reader
        # A checkpoint that rounds its vocabulary up names its last rows alike.
        self._index = {word: i for i, word in reversed(list(enumerate(converted.words)))}
        self._unknown = self._index[converted.unknown]
        self._start = self._index[converted.start]
        self._end = self._index[converted.end]
        self._free: SimpleQueue[Writing] = SimpleQueue()

    @property
    def context(self) -> int:
        return self._reader.description.context

    def open(self, streams: int) -> None:
        """Make what so many calls at a time write on."""
        self._streams = streams
        for _ in range(streams):
            self._free.put(self._begun())
        self._network.forget_file()

    def give_back(self) -> None:
        """Keys and values of large batches, which whatever they were written on holds for the next
        one: after 32 texts with ten beams 1,350 MiB of Blenderbot's 2,050. It takes 0.1 s."""
        held = self._take_free()
        if len(held) == self._streams:
            try:
                held = [self._begun() for _ in held]
            except RuntimeError:
                pass  # What there is still works.
            # Nothing is at work on the network while all is held here.
            self._network.release()
        for writing in held:
            self._free.put(writing)
        trim()

    def _take_free(self) -> list[Writing]:
        """What no call is at work on."""
        found = []
        with suppress(Empty):
            while True:
                found.append(self._free.get_nowait())
        return found

    def _begun(self) -> Writing:
        """Something to write on, on which a token was written: the first one takes longer."""
        from predictors.engines.openvino_network import Writing

        writing = Writing(self._network)
        self._search(writing, Generation()).run([Source((self._end,), most=1)])
        return writing

    def _search(self, writing: Writing, generation: Generation) -> Search:
        return Search(writing, generation, self._start, [self._end])

    def read(self, prompt: Prompt) -> list[str]:
        return self._reader.read(prompt)

    def tokens_of(self, job: Source) -> int:
        return job.tokens

    def prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[Generation, Source]:
        source = self._reader.source(prompt)
        generation = self._reader.generation(prompt, sampling)
        prefix = self._tokens(self._reader.prefix(prompt, generation))
        lengths = generation.max_new_tokens, generation.min_new_tokens
        # Neither these nor their languages keep texts apart.
        alike = replace(generation, max_new_tokens=0, min_new_tokens=0)
        alike = replace(alike, bad_words=self._forbidden(generation))
        return alike, Source(self._tokens(source), *lengths, prefix)

    def work(self, key: Generation, call: Call[Generation, Source, list[str]]) -> None:
        """Write what comes, a token of each text at a time, until nothing is left."""
        writing = self._free.get()
        search = self._search(writing, key)
        prefixes: dict[int, int] = {}
        try:
            while True:
                new = call.take()
                prefixes |= {number: len(source.prefix) for number, source in new.items()}
                found = search.add(new)
                left = call.drop_abandoned(search.numbers)
                search.drop(left)
                prefixes = {i: size for i, size in prefixes.items() if i not in left}
                if len(search.numbers) * key.num_beams >= _JOINED:
                    call.close()
                if search.numbers:
                    found |= search.step()
                call.answer({i: self._said(row[prefixes.pop(i) :]) for i, row in found.items()})
                if not search.numbers and call.end():
                    return
        except RuntimeError as err:
            raise EngineError(f"{self._reader.model}: the model failed") from err
        finally:
            self._free.put(writing)

    def _said(self, row: Sequence[int]) -> list[str]:
        return [self._words[token] for token in row]

    def _tokens(self, words: Sequence[str]) -> tuple[int, ...]:
        return tuple(self._index.get(word, self._unknown) for word in words)

    def _forbidden(self, generation: Generation) -> tuple[tuple[int, ...], ...]:
        """Bad words by the rows of the conversion; one that has no row cannot be said anyway."""
        words = [[self._reader.tokens.token(i) for i in word] for word in generation.bad_words]
        known = [word for word in words if all(token in self._index for token in word)]
        # transformers lets a text end, whatever is forbidden.
        return tuple(tokens for word in known if (tokens := self._tokens(word)) != (self._end,))
