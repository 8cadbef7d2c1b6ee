"""The HTTP side of a graph, as KServe's router has it: an ASGI application.

Any method and any path runs the graph, `/readyz` answers 200, an unclean path is redirected to the
clean one, and the answer's content type is that of its bytes. It differs where KServe's router
does harm, as `graph/README.md` lists: a body over the limit is refused with 413, a client that
goes away ends the walk, and a graph that gives no status (an empty Sequence) answers 500 where
KServe drops the connection. It also passes on when a service that answered 503 wants to be asked
again (`Retry-After`).
"""

from __future__ import annotations

import asyncio
import html
import posixpath
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote_to_bytes

from graph.asgi import (
    Answer,
    App,
    ClientGone,
    Receive,
    Scope,
    Send,
    run_for_client,
    send_answer,
)
from graph.errors import Overloaded, TooLarge
from graph.http.bodies import BodyBudget, HeldBody
from graph.router.walk import Headers, error_answer
from graph.spec.model import Timeouts

# `graph.router.walk.route` with its graph and its call filled in.
Route = Callable[[bytes, Headers], Awaitable[Answer]]

_WELL_ESCAPED = re.compile("[A-Za-z0-9\\-_.~/!$&'()*+,;=:@\\[\\]%]*")
_SAFE_IN_PATH = "/$&+,:;=@~"
_BAD_ESCAPE = re.compile("%(?![0-9a-fA-F]{2})")
# ASGI servers know no status above it; Go's passes 999 on.
_LAST_STATUS = 599
# Bodies of the largest size that may be held at once.
_BODIES = 8
NO_STATUS = "the graph gave no answer: a Sequence without steps has neither status nor body"


@dataclass(frozen=True)
class ServerLimits:
    """What a client may take. Seconds of zero or less, and None, mean no limit.

    body: bytes of a request, over which it is refused with 413.  read: seconds for a request to
    arrive, after which it is refused with 408.  answer: seconds for the walk, after which it is
    cancelled and answered 504.
    """

    body: int = 16 << 20
    read: float | None = None
    answer: float | None = None


def limits_of(timeouts: Timeouts, body: int = ServerLimits.body) -> ServerLimits:
    """The limits that a graph's `routerTimeouts` set."""
    return ServerLimits(body, timeouts.server_read, timeouts.server_write)


def graph_app(
    route: Route, limits: ServerLimits = ServerLimits(), ready: Callable[[], bool] = lambda: True
) -> App:
    """The ASGI application that answers with `route`; `/readyz` is 503 while `ready()` is false."""

    bodies = BodyBudget(limits.body * _BODIES)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"a graph does not speak {scope['type']}")
        try:
            with bodies.one() as held:
                answer, location = await _answer(scope, receive, route, limits, ready, held)
        except ClientGone:
            return
        await send_answer(send, answer, [(b"location", location.encode())] if location else [])

    return app


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(
    scope: Scope,
    receive: Receive,
    route: Route,
    limits: ServerLimits,
    ready: Callable[[], bool],
    held: HeldBody,
) -> tuple[Answer, str]:
    """The answer, and the location it redirects to where it does."""
    method = scope["method"]
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    if path == "*":
        return Answer(200), ""
    if _BAD_ESCAPE.search(path):
        return Answer(400, b"400 Bad Request", "text/plain; charset=utf-8"), ""
    path = escape_path(path)
    if method != "CONNECT" and clean_path(path) != path:
        return _redirect(method, clean_path(path), scope["query_string"].decode("latin-1"))
    if scope["path"] == "/readyz":
        if ready():
            return Answer(200), ""
        return Answer(503, b"shutting down\n", "text/plain; charset=utf-8"), ""
    return await _walk(scope, receive, route, limits, held), ""


async def _walk(
    scope: Scope, receive: Receive, route: Route, limits: ServerLimits, held: HeldBody
) -> Answer:
    """The graph's answer, within the limits."""
    try:
        body = await held.read(scope, receive, limits.body, _seconds(limits.read))
    except TooLarge as err:
        return error_answer(err.status, err.message)
    except Overloaded as err:
        return replace(error_answer(err.status, err.message), retry_after="1")
    except TimeoutError:
        return error_answer(408, f"the request did not arrive within {limits.read} s (serverRead)")
    try:
        async with asyncio.timeout(_seconds(limits.answer)):
            answer = await run_for_client(route(body, _headers(scope)), receive)
    except TimeoutError:
        return error_answer(504, f"no answer within {limits.answer} s (serverWrite)")
    if answer.status == 0:
        return error_answer(500, NO_STATUS)
    if answer.status > _LAST_STATUS:
        return error_answer(502, f"a service answered with the status {answer.status}")
    return answer


def _seconds(limit: float | None) -> float | None:
    return limit if limit is not None and limit > 0 else None


def clean_path(path: str) -> str:
    """The shortest equal path, as Go's ServeMux redirects to it; percent escapes are not read."""
    if not path.startswith("/"):
        path = "/" + path
    clean = "/" + posixpath.normpath(path).lstrip("/")
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def escape_path(path: str) -> str:
    """Go's form of a raw path: as it came where it is well escaped, else decoded and escaped."""
    if _WELL_ESCAPED.fullmatch(path):
        return path
    return quote(unquote_to_bytes(path.encode("latin-1")), safe=_SAFE_IN_PATH)


def _redirect(method: str, clean: str, query: str) -> tuple[Answer, str]:
    """To the clean path. Go escapes what is escaped already once more, percent signs included."""
    location = quote(clean, safe=_SAFE_IN_PATH) + ("?" + query if query else "")
    if method not in ("GET", "HEAD"):
        return Answer(307), location
    shown = html.escape(location, quote=False).replace('"', "&#34;").replace("'", "&#39;")
    body = f'<a href="{shown}">Temporary Redirect</a>.\n\n'
    return Answer(307, body.encode(), "text/html; charset=utf-8"), location


def _headers(scope: Scope) -> Headers:
    return [
        (canonical_name(name.decode("latin-1")), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name != b"host"  # Go keeps it apart from the headers
    ]


def canonical_name(name: str) -> str:
    """`x-request-id` as `X-Request-Id`, the form that header patterns are matched with."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
