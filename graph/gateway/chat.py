"""Asks a chat predictor on its OpenAI route and hands on its words as they come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from graph.asgi import Answer
from graph.completions.answers import Ending, Usage
from graph.completions.request import PARLEY, ChatRequest
from graph.completions.stream import Put
from graph.errors import NotReached, ParleyError, StepError
from graph.gateway.walk import error_of
from graph.http.events import DONE, EventReader, EventTooLarge
from graph.spec.model import Step
from graph.turn.answers import Finish

# Asks the chat that a step calls: puts the parts of its answer, and gives its ending.
# It raises ParleyError, before the first part or after any.
AskChat = Callable[[Step, ChatRequest, Put], Awaitable[Ending]]

_PREDICT = "/v1/models/"
_COMPLETIONS = "/openai/v1/chat/completions"


@asynccontextmanager
async def http_chat(service_urls: Mapping[str, str]) -> AsyncIterator[AskChat]:
    """Over one pool of connections, which closes with the context.

    service_urls: the URL of each `serviceName`, which ends with `/v1/models/NAME:predict`.
    """
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=90)
    # The turn's deadline, which the predictor keeps, ends a request that takes too long.
    timeout = httpx2.Timeout(None, connect=10)
    async with httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as client:

        async def ask(step: Step, request: ChatRequest, put: Put) -> Ending:
            url = step.service_url or service_urls.get(step.service_name, "")
            server, found, _ = url.partition(_PREDICT)
            if not found:
                raise StepError(f"{url}: no URL of a predictor, which ends with :predict")
            return await _ask(client, server + _COMPLETIONS, request, put)

        yield ask


async def _ask(client: httpx2.AsyncClient, url: str, request: ChatRequest, put: Put) -> Ending:
    try:
        async with client.stream("POST", url, json=request_json(request)) as response:
            if response.status_code != 200:
                await response.aread()
                raise _refusal(response)
            return await _read(response, put)
    except httpx2.ConnectError as err:
        raise NotReached(f"{request.model}: cannot be reached") from err
    except httpx2.TransportError as err:
        raise StepError(f"{request.model}: its answer broke off", 502) from err
    except (EventTooLarge, ValueError, TypeError, KeyError) as err:
        raise StepError(f"{request.model}: its answer is no chat completion", 502) from err


def request_json(request: ChatRequest) -> dict[str, Any]:
    """A request as it goes over HTTP; it always streams."""
    options = request.options
    system = [{"role": "system", "content": options.system}] if options.system else []
    said = [{"role": each.role, "content": each.content} for each in request.messages]
    asked = {
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "seed": options.seed,
        "stop": list(options.stop) or None,
    }
    return {
        "model": request.model,
        "messages": [*system, *said],
        "stream": True,
        "stream_options": {"include_usage": True},
        PARLEY: dict(request.parley),
        **{name: value for name, value in asked.items() if value is not None},
    }


@dataclass
class _Heard:
    """What the events have said of the ending so far."""

    finish: Finish | None = None
    usage: Usage | None = None
    parley: Mapping[str, Any] | None = None


async def _read(response: httpx2.Response, put: Put) -> Ending:
    reader, heard = EventReader(), _Heard()
    async for part in response.aiter_raw():
        for data in reader.feed(part):
            if data == DONE and heard.finish is not None:
                return Ending(heard.finish, heard.usage, heard.parley or {})
            chunk = json.loads(data)
            if "error" in chunk:
                raise _error(chunk["error"])
            await _hear(chunk, heard, put)
    raise StepError("the chat's answer broke off", 502)


async def _hear(chunk: dict[str, Any], heard: _Heard, put: Put) -> None:
    if usage := chunk.get("usage"):
        heard.usage = Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
    for choice in chunk["choices"]:
        if text := choice["delta"].get("content"):
            await put(str(text))
        if reason := choice.get("finish_reason"):
            heard.finish = Finish(reason)
            heard.parley = choice.get(PARLEY, {})


def _refusal(response: httpx2.Response) -> ParleyError:
    try:
        error = response.json()["error"]
        body = {"error": error["message"], "request_id": error.get("request_id", "")}
    except (ValueError, KeyError, TypeError):
        body = {"error": f"the chat answered {response.status_code}"}
    retry_after = response.headers.get("retry-after", "")
    answer = Answer(response.status_code, json.dumps(body).encode(), retry_after=retry_after)
    return error_of(answer)


# The statuses of errors in the middle of a stream, by their codes; others are 500.
_STATUSES = {"overloaded": 503, "timeout": 504}


def _error(error: Mapping[str, Any]) -> ParleyError:
    status = _STATUSES.get(str(error.get("code")), 500)
    body = {"error": error["message"], "request_id": error.get("request_id", "")}
    return error_of(Answer(status, json.dumps(body).encode()))
