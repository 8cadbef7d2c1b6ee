"""What the tests of the chat page share: a gateway that can be held, and the page in a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from graph.asgi import App, Receive, Scope, Send
from graph.gateway.app import CHAT, GatewayApp
from graph.gateway.keys import ApiKeys
from tests.graph.gateway.playing import Gate, Writes, local_graph

ENGLISH_BROWSER = "en-GB"
FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
TWO = "One is here. Two is there."
WHOLE = "fr:One is here. fr:Two is there."
# Parts of four characters of TWO after which its first sentence is out, and the second is not.
FIRST_SENTENCE = 5

Open = Callable[..., Any]


@dataclass
class Scene:
    """An ASGI application: the gateway, or once what stands in `instead` for the next answer."""

    reply: str = TWO
    instead: list[App] = field(default_factory=list)
    keys: ApiKeys = field(default_factory=ApiKeys)
    url: str = ""
    _loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        self.engine = Writes(lambda _: self.reply)
        self.gate = Gate(local_graph(self.engine))
        self._app = GatewayApp(self.gate.gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        self._app.keys = self.keys
        app: App = self._app
        if scope["path"] == CHAT and self.instead:
            app = self.instead.pop(0)
        await app(scope, receive, send)

    def hold(self) -> None:
        """Let the chat wait before the second sentence, until `go`."""
        self.engine.waits_before = FIRST_SENTENCE

    def go(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.engine.go.set)

    def break_off(self, *parts: bytes) -> None:
        """Let the next answer end in its middle, when it is told to `go`."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            kind = [(b"content-type", b"text/event-stream"), (b"content-length", b"100000")]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await self.engine.go.wait()

        self.instead.append(app)

    def wait_until_left(self) -> None:
        """Until the chat has stopped writing, however it ended."""
        self.run(self.engine.left.wait())

    def run(self, work: Any) -> Any:
        """The result of a coroutine, which the server's own loop runs."""
        httpx2.get(f"{self.url}/readyz")
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @property
    def heard(self) -> list[dict[str, Any]]:
        """The messages of people that came to the detector, newest last."""
        return [turn for turns in self.gate.calls("detector") for turn in turns]


def open_page(context: Any, scene: Scene) -> Any:
    """The page; its `problems` are errors of scripts and of the policy, and foreign URLs."""
    page = context.new_page()
    page.problems = []

    def take_line(line: Any) -> None:
        if line.type == "error":
            page.problems.append(line.text)

    def take_request(request: Any) -> None:
        if not request.url.startswith((scene.url, "blob:")):
            page.problems.append(request.url)

    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", take_line)
    page.on("request", take_request)
    page.goto(f"{scene.url}/")
    return page


def say(page: Any, text: str) -> None:
    """Write a message and send it, as a person does at a keyboard."""
    page.get_by_role("textbox", name="Message").fill(text)
    page.keyboard.press("Enter")


def answers(page: Any) -> Any:
    """The texts of the answers, in the language in which they came."""
    return page.locator(".answer .side:not(.translation) .text")


def messages(page: Any) -> Any:
    return page.locator(".said .side:not(.translation) .text")


def answering(status: int, body: bytes, **headers: str) -> App:
    """A server that answers so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        named = [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})

    return app
