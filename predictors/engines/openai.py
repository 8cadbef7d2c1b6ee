"""Engine on any OpenAI-compatible server, such as KServe's vLLM runtime: for a large model.

The other server loads, batches and generates; this one only asks, with a bound on how many requests
are on their way. A key, where one is needed, comes from the environment and is never shown. Special
tokens in a message are that server's business: it alone knows its model's tokenizer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from graph.errors import EngineError, ModelError, NotReady, Overloaded
from graph.telemetry.trace_context import trace_headers
from predictors.engine import EngineInfo, Prompt, Sampling, without_languages
from predictors.engines.loop_thread import LoopThread
from predictors.engines.streams import Put, parts_of, texts_of
from predictors.engines.usage import note_usage
from predictors.scheduling.fairness import FairSlots
from predictors.scheduling.tasks import run_together

# What vLLM says of a model that tells no length of its own.
DEFAULT_CONTEXT = 4096
# English text has about four characters a token; counted high, so that a prompt rather fits.
CHARACTERS_PER_TOKEN = 3
RETRY_AFTER = 1.0


@dataclass(frozen=True)
class _Loaded:
    """http, slots: they belong to the loop of `thread`."""

    thread: LoopThread
    http: httpx2.AsyncClient
    slots: FairSlots
    info: EngineInfo


class OpenAI:
    """A model of the server at `url`, which ends with its version, as in http://llm:8000/v1."""

    def __init__(self, url: str, model: str, *, parallel: int = 16, api_key: str = "") -> None:
        self._url = url
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._parallel = parallel
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Asks for the server's models. Raises ModelError when it or the model is not there."""
        try:
            answer = httpx2.get(f"{self._url}/models", headers=self._headers, timeout=30)
            answer.raise_for_status()
            models = {str(model["id"]): model for model in answer.json()["data"]}
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as err:
            raise ModelError(
                f"model openai:{self._model}: {self._url} does not list its models: {err}"
            ) from err
        if self._model not in models:
            raise ModelError(
                f"model openai:{self._model}: not at {self._url}; there are {', '.join(models)}"
            )
        context = int(models[self._model].get("max_model_len") or DEFAULT_CONTEXT)
        http = httpx2.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            timeout=None,  # the predictor's server holds the deadline and cancels
            limits=httpx2.Limits(max_connections=self._parallel),
        )
        self._loaded = _Loaded(
            LoopThread(f"openai {self._model}"),
            http,
            FairSlots(self._parallel),
            EngineInfo(self._model, context, has_chat_template=True),
        )

    def close(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.thread.close(loaded.http.aclose())

    @property
    def info(self) -> EngineInfo:
        return self._ready().info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises EngineError, or Overloaded when the server says so."""
        return await run_together(self._generate(p, sampling) for p in prompts)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """In the parts in which the server sends it."""
        loaded = self._ready()
        path, body = self._path_and_body(prompt, sampling)
        work = _stream(loaded, path, {**body, "stream": True}, self._model)
        with self._reaching():
            async with aclosing(parts_of(lambda put: loaded.thread.run(work(put)))) as parts:
                async for text in parts:
                    yield text

    async def count_tokens(self, prompt: Prompt) -> int:
        """An estimate: the protocol has no way to ask."""
        asked = without_languages(prompt, self._model)
        texts = [asked] if isinstance(asked, str) else [message.content for message in asked]
        return sum(len(text) // CHARACTERS_PER_TOKEN + 8 for text in texts)

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._loaded

    async def _generate(self, prompt: Prompt, sampling: Sampling) -> str:
        path, body = self._path_and_body(prompt, sampling)
        answer = await self._post(path, body)
        choice = _choice(answer)
        note_usage(answer)
        return str(choice.get("text") or (choice.get("message") or {}).get("content") or "")

    def _path_and_body(self, prompt: Prompt, sampling: Sampling) -> tuple[str, dict[str, Any]]:
        asked = without_languages(prompt, self._model)
        body = _request(self._model, sampling)
        if isinstance(asked, str):
            return "completions", {**body, "prompt": asked}
        messages = [{"role": m.role, "content": m.content} for m in asked]
        return "chat/completions", {**body, "messages": messages}

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Raises EngineError where the server cannot be reached, or not any more."""
        try:
            yield
        except httpx2.TransportError as err:
            raise EngineError(f"{self._model}: its server does not answer") from err

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        loaded = self._ready()
        with self._reaching():
            response = await loaded.thread.run(_send(loaded, path, body))
        _check_status(response, self._model)
        try:
            return response.json()
        except ValueError as err:
            raise EngineError(f"{self._model}: its server answered no JSON") from err


async def _send(loaded: _Loaded, path: str, body: dict[str, Any]) -> httpx2.Response:
    async with loaded.slots.one():
        return await loaded.http.post(path, json=body, headers=trace_headers())


def _stream(
    loaded: _Loaded, path: str, body: dict[str, Any], model: str
) -> Callable[[Put], Coroutine[Any, Any, None]]:
    """The work, in the loop of the connections, that puts the parts of an answer."""

    async def work(put: Put) -> None:
        async with loaded.slots.one():
            asking = loaded.http.stream("POST", path, json=body, headers=trace_headers())
            async with asking as response:
                _check_status(response, model)
                async for text in texts_of(response, model):
                    put(text)

    return work


def _check_status(response: httpx2.Response, model: str) -> None:
    """Raises EngineError, or Overloaded when the server says so."""
    if response.status_code in (429, 503):
        raise Overloaded(f"{model}: its server is busy; try again later", RETRY_AFTER)
    if response.status_code != 200:
        raise EngineError(f"{model}: its server answered {response.status_code}")


def _choice(answer: Any) -> dict[str, Any]:
    try:
        choice = answer["choices"][0]
    except (KeyError, IndexError, TypeError) as err:
        raise EngineError("the model's server answered without a choice") from err
    if not isinstance(choice, dict):
        raise EngineError("the model's server answered without a choice")
    return choice


def _request(model: str, sampling: Sampling) -> dict[str, Any]:
    """Sampling in the protocol's words, and vLLM's; what is None is left out."""
    words = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
    }
    return {"model": model, **{key: value for key, value in words.items() if value is not None}}
