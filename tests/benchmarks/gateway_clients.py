"""A gateway and a router as processes before stubs, and how each of them is asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from graph.gateway.app import CHAT
from graph.http.events import DONE, EventReader
from graph.local.build import DEFAULT_FILE
from tests.benchmarks.service import Service

MODEL = "multilingual-chat"
SERVICES = ("detector", "translate-fr-en", "translate-en-fr", "chat")
_SERVED = re.compile(r"served at (http://[^/\s]+)")


@contextmanager
def running(*words: str) -> Iterator[Service]:
    """A module of Python as a process, once it says where it is served."""
    process = subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = next(found[1] for line in process.stderr if (found := _SERVED.search(line)))
        # What it says later is kept from filling the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Service(url, process.pid)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def before(stubs: Service, *options: str) -> Iterator[Service]:
    """A gateway before stubs."""
    with running("graph.gateway", str(DEFAULT_FILE), *_local(stubs), *options) as gateway:
        yield gateway


@contextmanager
def routed(stubs: Service) -> Iterator[Service]:
    """A router before stubs."""
    words = ("graph.cli", "graph", "serve", str(DEFAULT_FILE), "--port=0")
    given = [f"--service={name}={stubs.predictor(name)}" for name in SERVICES]
    with running(*words, *given) as router:
        yield router


def _local(stubs: Service) -> list[str]:
    given = [f"--service={name}={stubs.predictor(name)}" for name in SERVICES]
    return ["--host=127.0.0.1", "--http_port=0", *given]


@dataclass(frozen=True)
class Answer:
    """first, whole: seconds until the first words, and until all of it."""

    first: float
    whole: float
    text: str
    parley: dict[str, Any]


Ask = Callable[[httpx2.AsyncClient, Service, str], Awaitable[Answer]]


async def streamed(client: httpx2.AsyncClient, service: Service, *texts: str) -> Answer:
    """The answer to a conversation. Raises httpx2.HTTPError, KeyError for one that breaks off."""
    asked = _request(*texts)
    started, first, words = time.monotonic(), 0.0, ""
    reader, parley = EventReader(), None
    async with client.stream("POST", service.url + CHAT, json=asked) as response:
        response.raise_for_status()
        async for part in response.aiter_raw():
            for data in reader.feed(part):
                choices = json.loads(data)["choices"] if data != DONE else []
                for choice in choices:
                    if said := choice["delta"].get("content"):
                        first = first or time.monotonic() - started
                        words += said
                    parley = choice.get("parley", parley)
    if parley is None:
        raise KeyError("the answer broke off")
    return Answer(first, time.monotonic() - started, words, parley)


async def leave(client: httpx2.AsyncClient, service: Service, text: str) -> None:
    """Ask, and go when the first words are there."""
    reader = EventReader()
    async with client.stream("POST", service.url + CHAT, json=_request(text)) as response:
        response.raise_for_status()
        async for part in response.aiter_raw():
            chunks = [json.loads(data) for data in reader.feed(part) if data != DONE]
            choices = [choice for chunk in chunks for choice in chunk["choices"]]
            if any(choice["delta"].get("content") for choice in choices):
                return


def _request(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    return {"model": f"{MODEL}:fr", "messages": messages, "stream": True}


async def posted(client: httpx2.AsyncClient, service: Service, text: str) -> Answer:
    """The same turn as a router takes it: whole."""
    started = time.monotonic()
    turn = {"user_input": text, "language": "fr"}
    response = await client.post(service.url, json={"instances": [turn]})
    response.raise_for_status()
    seconds = time.monotonic() - started
    [prediction] = response.json()["predictions"]
    return Answer(seconds, seconds, prediction["response"], prediction)
