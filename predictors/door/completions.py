"""KServe's OpenAI routes for predictors that write: chat completions, whole or while they come.

The classes of KServe's SDK for these routes cannot be imported without vLLM, so only their paths
are taken. Behind them is what is behind `:predict`: the same handler checks, admits, bounds and
reports a request. The messages are taken as English, or as in another language that the model
speaks. Under `parley` a request may hold fields of a turn (`language`, `request_id`, `deadline` and
the like).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from graph import contract
from graph.asgi import Receive, Scope, Send, aside, json_answer, read_body, send_answer
from graph.completions.answers import Completion, Ending, describe_model, list_models
from graph.completions.messages import texts_of
from graph.completions.request import ChatRequest, read_request
from graph.completions.stream import Out, Put, send_error, send_in_events, send_whole
from graph.contract import Instance
from graph.errors import NotServed, ParleyError
from predictors.door.handler import Handler
from predictors.door.reports import report
from predictors.door.watching import refusing
from predictors.scheduling.request import new_request_id

PREFIX = "/openai/v1"
CHAT = f"{PREFIX}/chat/completions"
MODELS = f"{PREFIX}/models"
# What the ending tells of a turn; its texts are the request's and the answer's own.
_TOLD = (contract.REQUEST_ID, contract.STEPS, contract.DEGRADED)


class Completions:
    """The ASGI application of these routes. handlers: those whose predictors write."""

    def __init__(self, handlers: Sequence[Handler]) -> None:
        self._handlers = {handler.name: handler for handler in handlers}
        self._created = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] == "POST":
                await self._complete(scope, receive, send)
            else:
                await self._describe(scope["path"], send)
        except ParleyError as err:
            report(err)
            await send_error(err, send)

    async def _describe(self, path: str, send: Send) -> None:
        name = path.removeprefix(MODELS).removeprefix("/")
        if not name:
            models = list_models(list(self._handlers), self._created)
        else:
            models = describe_model(self._find(name).name, self._created)
        await send_answer(send, json_answer(200, models))

    async def _complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits = max((h.limits for h in self._handlers.values()), key=lambda each: each.body)
        body = await read_body(scope, receive, limits.body)
        with refusing(handler.watch for handler in self._handlers.values()):
            payload = await aside(len(body), lambda: contract.parse_body(body, limits))
            request = await aside(len(body), lambda: read_request(payload))
            handler = self._find(request.model)
        instance = instance_of(request)
        name = str(instance.setdefault(contract.REQUEST_ID, new_request_id()))
        completion = Completion(name, int(time.time()), request.model)

        async def write(out: Out) -> Ending:
            return await complete(handler, request, instance, out.put)

        if request.stream:
            await send_in_events(completion, write, send, request.include_usage)
        else:
            await send_whole(completion, write, send)

    def _find(self, name: str) -> Handler:
        if name not in self._handlers:
            known = ", ".join(self._handlers)
            raise NotServed(f"{name[:100]}: no such model; there are {known}")
        return self._handlers[name]


async def complete(handler: Handler, request: ChatRequest, instance: Instance, put: Put) -> Ending:
    """Write the answer to an instance made of a request. Raises ParleyError."""
    written = await handler.write(instance, request.options, put)
    told = {key: written.prediction[key] for key in _TOLD if key in written.prediction}
    return Ending(written.finish, written.usage, told)


def instance_of(request: ChatRequest) -> Instance:
    """The turn that a request asks for: its last message, after the others as the history."""
    history, message = texts_of(request.messages)
    texts = {contract.USER_INPUT_EN: message, contract.HISTORY: history}
    return {contract.USER_INPUT: message, **request.parley, **texts}
