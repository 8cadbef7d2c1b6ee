"""How a client's bytes reach a graph: the seam of the clients, and the two ways over HTTP.

Both ways say and read the same; one waits in a thread, the other in an event loop.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx2

from graph.asgi import Answer
from graph.calling.endpoint import Endpoint
from graph.calling.tls import make_context
from graph.errors import DeadlineExceeded, NotReached, NotReady, NotTrusted, StepError
from graph.turn.limits import INNER_LIMITS

_BROKEN = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Transport(Protocol):
    """`post` gives the answer. It raises NotReady, of which NotReached, and DeadlineExceeded.

    predictor: the name of one predictor that is called alone, or None for the graph.  seconds:
    those that the answer may take. Several threads may call it at a time.
    """

    def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer: ...

    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """The same for one event loop. A `post` that is cancelled leaves nothing at work for it."""

    async def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer: ...

    async def aclose(self) -> None: ...


class HttpTransport:
    """POSTs to an endpoint, over pooled connections."""

    def __init__(self, endpoint: Endpoint, *, trust_env: bool = True) -> None:
        """trust_env: whether proxies are used that the environment names."""
        self._endpoint = endpoint
        context = make_context(endpoint.verify, endpoint.cert)
        self._http = httpx2.Client(verify=context, trust_env=trust_env)

    def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        exchange = _Exchange(self._endpoint, body, predictor, seconds)
        with exchange.speaking(), self._http.stream(**exchange.request) as response:
            for chunk in response.iter_bytes():
                exchange.take(chunk)
            return exchange.answer(response)

    def close(self) -> None:
        self._http.close()


class AsyncHttpTransport:
    """The same in an event loop. A `post` that is cancelled closes its connection."""

    def __init__(self, endpoint: Endpoint, *, trust_env: bool = True) -> None:
        self._endpoint = endpoint
        context = make_context(endpoint.verify, endpoint.cert)
        self._http = httpx2.AsyncClient(verify=context, trust_env=trust_env)

    async def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        exchange = _Exchange(self._endpoint, body, predictor, seconds)
        with exchange.speaking():
            async with self._http.stream(**exchange.request) as response:
                async for chunk in response.aiter_bytes():
                    exchange.take(chunk)
                return exchange.answer(response)

    async def aclose(self) -> None:
        await self._http.aclose()


class _Exchange:
    """One request and its answer, as far as it does not matter who waits for the bytes."""

    def __init__(
        self, endpoint: Endpoint, body: bytes, predictor: str | None, seconds: float
    ) -> None:
        self._url = endpoint.address(predictor)
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._read = bytearray()
        self.request: dict[str, Any] = {
            "method": "POST",
            "url": self._url,
            "content": body,
            "headers": endpoint.sent_headers,
            "timeout": seconds,
            "extensions": {"sni_hostname": endpoint.server_name or None},
        }

    def take(self, chunk: bytes) -> None:
        """Some more of the answer. httpx bounds each wait for it; here the sum is bounded."""
        self._read += chunk
        if len(self._read) > INNER_LIMITS.body:
            raise StepError(f"{self._url}: an answer of over {INNER_LIMITS.body} bytes", 502)
        if time.monotonic() > self._end:
            raise TimeoutError

    def answer(self, response: httpx2.Response) -> Answer:
        """The whole answer. Raises StepError for one that only says where to ask instead."""
        status, headers = response.status_code, response.headers
        if response.has_redirect_location:
            raise StepError(f"{self._url}: moved to {headers['location'][:200]!r}; ask there", 502)
        retry_after = headers.get("retry-after", "")
        return Answer(status, bytes(self._read), headers.get("content-type"), retry_after)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Errors of the network in our words."""
        url = self._url
        try:
            yield
        except httpx2.InvalidURL as err:
            raise StepError(f"{url}: not a URL: {err}", 400) from err
        except (httpx2.TransportError, TimeoutError) as err:
            refused = _find_refusal(err)
            if refused:
                raise NotTrusted(f"{url}: {_words(refused)}") from err
            if isinstance(err, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise NotReached(f"{url}: {err or type(err).__name__}; is it running?") from err
            if isinstance(err, httpx2.TimeoutException | TimeoutError):
                raise DeadlineExceeded(f"{url}: no answer within {self._seconds:.2g} s") from err
            reason = err or type(err).__name__
            raise NotReady(f"{url}: {reason}; the turn may have been answered") from err


def _find_refusal(err: BaseException | None) -> ssl.SSLError | None:
    """The failure of TLS beneath an error, where that is what it was, and no broken connection."""
    while err is not None and not isinstance(err, ssl.SSLError):
        err = err.__cause__ or err.__context__
    return None if isinstance(err, _BROKEN) else err


def _words(refused: ssl.SSLError) -> str:
    if isinstance(refused, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted: {refused.verify_message.rstrip('.')}; "
            "name the file of its authority (verify=, --ca)"
        )
    reason = (refused.reason or str(refused)).replace("_", " ").lower()
    return f"no connection by TLS: {reason}"
