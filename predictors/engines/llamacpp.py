"""Engine on llama.cpp, by `xllamacpp`: any GGUF model, in this process, with continuous batching.

llama.cpp's own server does the work on its threads. It is spoken to over its loopback port, guarded
by a key made at load, because that is the one way in that a coroutine can wait on without a thread
and can leave: closing the connection stops the generation. Its own queue stays empty: what is over
`parallel` waits here, where requests take turns. Nothing is downloaded, and no path or parameter of
llama.cpp comes from a request.

llama.cpp's sums depend in their last digits on what is computed together, and a quantised model can
amplify that until it turns a near tie. One at a time (`parallel=1`), a `Prefixed` prompt is
computed the same way whatever was asked before, so that greedy answers are the same on every
machine of a kind. With several at a time they are not quite. Each user of the engine has slots of
its own, so that none loses the beginning of its prompts to another.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from graph.errors import EngineError, ModelError, NotReady
from predictors.checkpoints.gguf import GgufHeader, read_header
from predictors.checkpoints.special_tokens import SpecialTokens
from predictors.engine import (
    EngineInfo,
    Message,
    Prefixed,
    Prompt,
    Sampling,
    without_languages,
)
from predictors.engines.connections import Connections
from predictors.engines.kept_prefixes import KeptPrefixes
from predictors.engines.llamacpp_parameters import server_parameters
from predictors.engines.llamacpp_requests import as_json, path_and_body, problem
from predictors.engines.streams import texts_of
from predictors.engines.usage import note_usage
from predictors.scheduling.cores import Cores
from predictors.scheduling.fairness import FairSlots
from predictors.scheduling.tasks import run_together


@dataclass(frozen=True)
class _Loaded:
    """server: llama.cpp's own.  http: the way to it.  slots: for what is at work.

    kept: which of llama.cpp's slots holds what, where one prompt is at work at a time.
    """

    server: Any
    http: httpx2.AsyncClient
    special_tokens: SpecialTokens
    info: EngineInfo
    slots: FairSlots
    kept: KeptPrefixes
    connections: Connections = field(default_factory=Connections)


class LlamaCpp:
    """A GGUF file that works on `parallel` prompts at a time, of `context` tokens each.

    users: those who share it; each has as many slots as work at a time.
    """

    def __init__(
        self,
        path: Path,
        model: str,
        *,
        threads: int,
        parallel: int = 4,
        users: int = 1,
        context: int = 2048,
        gpu_layers: int = 0,
        cores: Cores | None = None,
    ) -> None:
        self._path = path
        self._model = model
        self._threads = threads
        self._parallel = parallel
        self._users = users
        self._context = context
        self._gpu_layers = gpu_layers
        self._cores = cores
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        import xllamacpp

        header = read_header(self._path)
        info = self._describe(header)
        key = secrets.token_hex(16)
        try:
            server = xllamacpp.Server(self._parameters(key, info.context))
        except RuntimeError as err:
            raise ModelError(
                f"{self._model}: llama.cpp cannot load {self._path.name}; "
                "is it a whole GGUF file of a supported architecture?"
            ) from err
        http = httpx2.AsyncClient(
            base_url=server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=None,  # the predictor's server holds the deadline and cancels
            # A kept connection belongs to one event loop and would outlive `close`.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
        )
        special_tokens = SpecialTokens(header.special_tokens)
        slots = self._slots(xllamacpp)
        kept = KeptPrefixes(self._users)
        self._loaded = _Loaded(server, http, special_tokens, info, slots, kept)

    def close(self) -> None:
        """Stop the work at hand, which then fails, and free the weights."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            # The C++ object ends its threads when its last reference goes. It waits there for each
            # open request while it holds the interpreter's lock: an open one would hold it forever.
            loaded.connections.close()
            loaded.slots.close()

    @property
    def info(self) -> EngineInfo:
        return self._ready().info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises EngineError when the prompt does not fit `info.context`."""
        return await run_together(self._generate(p, sampling) for p in prompts)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Token by token. Closing the connection stops the generation."""
        asked = self._fitting(prompt)
        path, body = path_and_body(asked, sampling)
        async with self._ready().slots.one(lends=True):
            body |= {**await self._prepare_slot(asked), "stream": True}
            http, connections = self._ready().http, self._ready().connections
            with _reaching(self._model), connections.one() as extensions:
                async with http.stream("POST", path, json=body, extensions=extensions) as response:
                    if response.status_code != 200:
                        await response.aread()
                        raise EngineError(f"{self._model}: {problem(response)}")
                    async for text in texts_of(response, self._model):
                        yield text

    async def count_tokens(self, prompt: Prompt) -> int:
        asked = self._fitting(prompt)
        text = asked if isinstance(asked, str) else await self._apply_template(asked)
        body = {"content": text, "add_special": True, "parse_special": not isinstance(asked, str)}
        answer = await self._post("/tokenize", body)
        return len(answer["tokens"])

    def _slots(self, xllamacpp: Any) -> FairSlots:
        kind = xllamacpp.ggml_backend_dev_type
        others = {kind.GGML_BACKEND_DEVICE_TYPE_GPU, kind.GGML_BACKEND_DEVICE_TYPE_IGPU}
        devices = xllamacpp.get_device_info() if self._gpu_layers else ()
        # Work on a GPU keeps no core busy.
        cores = None if any(each["type"] in others for each in devices) else self._cores
        return FairSlots(self._parallel, threads=self._threads, cores=cores)

    def _parameters(self, key: str, context: int) -> Any:
        return server_parameters(
            self._path,
            key,
            slots=self._parallel * self._users,
            context=context,
            threads=self._threads,
            gpu_layers=self._gpu_layers,
        )

    def _describe(self, header: GgufHeader) -> EngineInfo:
        return EngineInfo(
            self._model,
            min(self._context, header.context or self._context),
            family=header.architecture,
            # The file says whether there is one: llama.cpp makes one up where there is none.
            has_chat_template=header.has_chat_template,
            device="" if self._gpu_layers else "cpu",
        )

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._loaded

    def _fitting(self, prompt: Prompt) -> str | tuple[Message, ...]:
        """The prompt, with messages that hold plain text only. Raises EngineError."""
        asked = without_languages(prompt, self._model)
        if isinstance(asked, str):
            return asked
        loaded = self._ready()
        if not loaded.info.has_chat_template:
            raise EngineError(f"{self._model}: takes a text, it has no chat template")
        return loaded.special_tokens.as_plain_messages(asked)

    async def _generate(self, prompt: Prompt, sampling: Sampling) -> str:
        asked = self._fitting(prompt)
        path, body = path_and_body(asked, sampling)
        async with self._ready().slots.one():
            body |= await self._prepare_slot(asked)
            answer = await self._post(path, body)
        note_usage(answer)
        if isinstance(asked, str):
            return str(answer["content"])
        return str(answer["choices"][0]["message"]["content"] or "")

    async def _prepare_slot(self, prompt: str | tuple[Message, ...]) -> dict[str, int]:
        """What tells llama.cpp which of its slots to take; nothing where it chooses by itself."""
        if self._parallel > 1:
            return {}
        return {"id_slot": await self._keep(prompt.prefix if isinstance(prompt, Prefixed) else "")}

    async def _keep(self, prefix: str) -> int:
        """The slot that holds just this text, its last token computed alone, as every time."""
        kept = self._ready().kept
        slot = kept.slot_of(prefix)
        body = {"prompt": prefix, "n_predict": 0, "id_slot": slot}
        if prefix and kept.held(slot) != prefix:
            kept.note(slot, None)
            # What an earlier prompt shares with this one would have been computed another way.
            await self._post("/completion", {**body, "cache_prompt": False})
        kept.note(slot, prefix)
        if prefix:
            await self._post("/completion", body)
        return slot

    async def _apply_template(self, prompt: Sequence[Message]) -> str:
        answer = await self._post("/apply-template", {"messages": as_json(prompt)})
        return str(answer["prompt"])

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        # No reference to the server is kept here: `close` frees it at once.
        http, connections = self._ready().http, self._ready().connections
        with _reaching(self._model), connections.one() as extensions:
            response = await http.post(path, json=body, extensions=extensions)
        if response.status_code != 200:
            raise EngineError(f"{self._model}: {problem(response)}")
        return response.json()


@contextmanager
def _reaching(model: str) -> Iterator[None]:
    """Raises EngineError where llama.cpp's server does not answer to the end."""
    try:
        yield
    except httpx2.TransportError as err:
        raise EngineError(f"{model}: the engine stopped answering") from err
