"""The HTTP door: what it refuses by itself. What KServe answers is held in tests/conformance."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from graph.asgi import Answer
from graph.router.app import ServerLimits, canonical_name, clean_path, graph_app, limits_of
from graph.router.walk import Headers
from graph.spec.model import Timeouts


async def ask(
    path: str = "/", ready: bool = True, headers: list[tuple[bytes, bytes]] | None = None
) -> tuple[int, bytes, Headers]:
    """Status, body and the headers that reached the graph."""
    seen: list[Headers] = []

    async def route(body: bytes, received: Headers) -> Answer:
        seen.append(received)
        return Answer(200, body)

    sent: list[MutableMapping[str, Any]] = []
    messages = [{"type": "http.request", "body": b"1"}]

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": headers or [],
    }  # fmt: skip
    await graph_app(route, ServerLimits(), lambda: ready)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"], seen[0] if seen else ()


async def test_readyz_is_503_until_the_graph_is_ready() -> None:
    assert (await ask("/readyz", ready=True))[0] == 200
    assert (await ask("/readyz", ready=False))[:2] == (503, b"shutting down\n")


async def test_headers_have_the_names_that_patterns_are_matched_with() -> None:
    given = [(b"host", b"x"), (b"x-request-id", b"1"), (b"x-request-id", b"\xe9")]
    assert (await ask(headers=given))[2] == [("X-Request-Id", "1"), ("X-Request-Id", "é")]
    assert canonical_name("WWW-authenticate") == "Www-Authenticate"


async def test_a_web_socket_is_not_served() -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("not called")

    with pytest.raises(NotImplementedError):
        await graph_app(nothing)({"type": "websocket"}, nothing, nothing)


async def test_the_lifespan_of_a_server_is_answered() -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    async def route(body: bytes, headers: Headers) -> Answer:
        return Answer(200)

    await graph_app(route)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize(
    ("path", "clean"),
    [("/", "/"), ("", "/"), ("a", "/a"), ("//", "/"), ("//a//b/", "/a/b/"), ("/a/./b", "/a/b"),
     ("/a/../..", "/"), ("/..", "/"), ("/a/..", "/"), ("/%2e%2e/x", "/%2e%2e/x"), ("/a/.", "/a")],
)  # fmt: skip
def test_paths_are_cleaned_as_go_cleans_them(path: str, clean: str) -> None:
    assert clean_path(path) == clean


def test_router_timeouts_become_limits() -> None:
    limits = limits_of(Timeouts(server_read=5, server_write=0), body=7)
    assert (limits.body, limits.read, limits.answer) == (7, 5, 0)
