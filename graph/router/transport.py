"""Calls the services of a graph over HTTP, as KServe's router calls them.

It always sends POST and JSON (unless the client's own content type is passed on), follows
redirects and undoes gzip. When no answer comes, the StepError begins as Go's client begins it,
`Post "URL": `, and goes on in plain words where Go's are only for people. `graph/README.md` lists
the other differences: an answer over `MAX_ANSWER` bytes is an error, connections are pooled without
Go's limit of two idle ones for each host, and the user agent is our own.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import re
import socket
import zlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import httpx2

from graph.asgi import Answer
from graph.errors import StepError
from graph.golang.quoting import quote
from graph.golang.url import address_of, call_failed, find_url_error, is_url
from graph.router.propagation import HeaderPatterns
from graph.router.walk import Call, Headers
from graph.spec.model import Step

MAX_ANSWER = 64 << 20
_MAX_REDIRECTS = 10
_USER_AGENT = "parley-graph"
# Go calls this machine itself without the proxy that HTTP_PROXY names.
_NO_PROXY = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
# Go's transport writes these itself, whatever a header says.
_OWN_HEADERS = frozenset(("Host", "Content-Length", "Transfer-Encoding", "Trailer"))
_BODY_HEADERS = frozenset(
    ("Content-Type", "Content-Encoding", "Content-Language", "Content-Location")
)
_SECRET_HEADERS = frozenset(
    ("Authorization", "Www-Authenticate", "Cookie", "Cookie2", "Proxy-Authorization")
    + ("Proxy-Authenticate",)
)
_USER_INFO = re.compile("//[^/@]*@")
_LATE = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
_LATE_BODY = "context deadline exceeded (Client.Timeout or context cancellation while reading body)"


@asynccontextmanager
async def http_call(
    service_urls: Mapping[str, str],
    timeout: float | None = None,
    patterns: HeaderPatterns = (),
) -> AsyncIterator[Call]:
    """A `Call` over one pool of connections, which closes with the context.

    `service_urls` gives the URL of each `serviceName`; `timeout` is `routerTimeouts.serviceClient`,
    in seconds for the whole of a call; `patterns` choose the headers that are passed on.
    """
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=90)
    client = httpx2.AsyncClient(limits=limits, timeout=None, mounts=_NO_PROXY)
    caller = _Caller(client, service_urls, timeout if timeout and timeout > 0 else None)

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        chosen = [(name, value) for name, value in headers if _matches(patterns, name)]
        return await caller.post(caller.url_of(step), body, chosen)

    try:
        yield call
    finally:
        await _to_its_end(client.aclose())


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """A pool whose closing is cancelled would leave the rest of its connections open."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _matches(patterns: HeaderPatterns, name: str) -> bool:
    return any(pattern.search(name) for pattern in patterns)


@dataclass
class _Request:
    """The request of one hop. A redirect may change each part of it."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def asks_for_gzip(self) -> bool:
        """False where the client's own header is passed on: it gets what the service sends."""
        return not any(name in ("Accept-Encoding", "Range") for name, _ in self.headers)


@dataclass(frozen=True)
class _Caller:
    client: httpx2.AsyncClient
    service_urls: Mapping[str, str]
    timeout: float | None

    def url_of(self, step: Step) -> str:
        if step.service_url:
            return step.service_url
        if step.service_name not in self.service_urls:
            raise StepError(f'no URL is known for the service "{step.service_name}"')
        return self.service_urls[step.service_name]

    async def post(self, url: str, body: bytes, headers: list[tuple[str, str]]) -> Answer:
        """The answer after all redirects. Raises StepError where none comes."""
        headers = [(name, value) for name, value in headers if name not in _OWN_HEADERS]
        if not any(name == "Content-Type" and value for name, value in headers):
            headers.append(("Content-Type", "application/json"))
        try:
            return await self._follow(_Request("POST", url, headers, body))
        except (ValueError, httpx2.InvalidURL) as err:
            # The host cannot be the name of one. Go would look it up and not find it.
            raise StepError(f"{call_failed(url)}: dial tcp: {err}") from err

    async def _follow(self, first: _Request) -> Answer:
        request = first
        deadline = None if self.timeout is None else _now() + self.timeout
        for _ in range(_MAX_REDIRECTS):
            problem = find_url_error(request.url)
            if problem is not None:
                raise StepError(problem)
            response = await self._send(request, deadline)
            location = response.headers.get("location", "")
            if not (response.status_code in (301, 302, 303, 307, 308) and location):
                body = await self._read(response, request, deadline)
                return Answer(response.status_code, body, retry_after=_retry_after(response))
            await response.aclose()
            if not is_url(location):
                problem = f"it redirects to {quote(location)}, which is not a valid URL"
                raise StepError(f"{call_failed(request.url)}: {problem}")
            request = _redirected(request, first, response.status_code, location)
        raise StepError(f"{call_failed(location)}: stopped after {_MAX_REDIRECTS} redirects")

    async def _send(self, request: _Request, deadline: float | None) -> httpx2.Response:
        """The response with its body still to be read. Raises StepError where none comes."""
        names = {name for name, _ in request.headers}
        user, at, host = urlsplit(request.url).netloc.rpartition("@")
        own = {
            "Host": host,
            "User-Agent": None if "User-Agent" in names else _USER_AGENT,
            "Content-Length": str(len(request.body)) if request.method == "POST" else None,
            "Accept-Encoding": "gzip" if request.asks_for_gzip else None,
            "Authorization": _basic(user) if at and "Authorization" not in names else None,
        }
        headers = [(name, value) for name, value in own.items() if value is not None]
        try:
            # As bytes: a header may hold what is not ASCII.
            encoded = [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in (*headers, *request.headers)
            ]
            url = _without_user(request.url)
            outgoing = httpx2.Request(request.method, url, headers=encoded, content=request.body)
            async with asyncio.timeout_at(deadline):
                return await self.client.send(outgoing, stream=True)
        except TimeoutError as err:
            raise StepError(f"{call_failed(request.url)}: {_LATE}") from err
        except httpx2.TransportError as err:
            raise StepError(f"{call_failed(request.url)}: {_explain(err, request.url)}") from err

    async def _read(
        self, response: httpx2.Response, request: _Request, deadline: float | None
    ) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout_at(deadline):
                async for chunk in response.aiter_raw():
                    body += chunk
                    _check_size(body, request.url)
        except TimeoutError as err:
            raise StepError(_LATE_BODY) from err
        except httpx2.TransportError as err:
            raise StepError(f"{call_failed(request.url)}: the answer broke off: {err}") from err
        finally:
            await response.aclose()
        encoding = response.headers.get("content-encoding", "")
        if not request.asks_for_gzip or encoding.lower() != "gzip":
            return bytes(body)
        try:
            content = _gunzip(bytes(body))
        except zlib.error as err:
            raise StepError(f"{call_failed(request.url)}: damaged gzip: {err}") from err
        _check_size(content, request.url)
        return content


def _explain(err: httpx2.TransportError, url: str) -> str:
    """The reason why no response came: the system's, in Go's form, or else httpx2's."""
    cause: BaseException | None = err
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {urlsplit(url).hostname}: no such host"
        if isinstance(err, httpx2.ConnectError) and isinstance(cause, OSError):
            if cause.errno in errno.errorcode:
                reason = os.strerror(cause.errno or 0).lower()
                return f"dial tcp {address_of(url)}: connect: {reason}"
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or cause.__context__
    return str(err) or type(err).__name__


def _gunzip(body: bytes) -> bytes:
    """The content of a gzip body, all its members; at most a little over `MAX_ANSWER` bytes.

    Raises zlib.error for a body that is damaged or cut off.
    """
    content = bytearray()
    while body and len(content) <= MAX_ANSWER:
        member = zlib.decompressobj(31)
        content += member.decompress(body, MAX_ANSWER + 1)
        if not member.eof and len(content) <= MAX_ANSWER:
            raise zlib.error("it ends early")
        body = member.unused_data
    return bytes(content)


def _check_size(body: bytes | bytearray, url: str) -> None:
    if len(body) > MAX_ANSWER:
        raise StepError(f"{call_failed(url)}: the answer is over {MAX_ANSWER} bytes")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _retry_after(response: httpx2.Response) -> str:
    """When a service that is busy wants to be asked again, in the words of its header."""
    value: str = response.headers.get("retry-after", "")
    busy = response.status_code in (429, 503)
    return value if busy and value.isascii() and value.isprintable() else ""


def _redirected(request: _Request, first: _Request, status: int, location: str) -> _Request:
    """The next hop: 307 and 308 repeat the request, the others GET without a body."""
    url = urljoin(request.url, location)
    headers = list(request.headers)
    if not _is_within(url, first.url):
        headers = [(name, value) for name, value in headers if name not in _SECRET_HEADERS]
    if not any(name == "Referer" for name, _ in first.headers):
        headers = [(name, value) for name, value in headers if name != "Referer"]
        if not (request.url.startswith("https:") and url.startswith("http:")):
            headers.append(("Referer", _without_user(request.url)))
    if status in (307, 308):
        return _Request(request.method, url, headers, request.body)
    headers = [(name, value) for name, value in headers if name not in _BODY_HEADERS]
    return _Request("GET", url, headers, b"")


def _without_user(url: str) -> str:
    return _USER_INFO.sub("//", url, count=1)


def _basic(user: str) -> str:
    """The `Authorization` that a user and password in a URL stand for."""
    name, _, password = user.partition(":")
    pair = b":".join(map(unquote_to_bytes, (name, password)))
    return "Basic " + base64.b64encode(pair).decode()


def _is_within(url: str, first_url: str) -> bool:
    """True where the host is the first one or below it, so that secrets may go there too."""
    host, first = urlsplit(url).hostname or "", urlsplit(first_url).hostname or ""
    return host == first or host.endswith("." + first)
