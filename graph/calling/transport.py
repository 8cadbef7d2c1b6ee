"""How a client's bytes reach a graph: the seam of `ChatClient`, and the way over HTTP."""

from __future__ import annotations

import time
from typing import Protocol

import httpx2

from graph.asgi import Answer
from graph.errors import DeadlineExceeded, NotReached, NotReady, StepError


class Transport(Protocol):
    """`post` gives the answer. It raises NotReady, of which NotReached, and DeadlineExceeded.

    predictor: the name of one predictor that is called alone, or None for the graph.  seconds:
    those that the answer may take.
    """

    def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer: ...

    def close(self) -> None: ...


class HttpTransport:
    """POSTs to a graph's URL, over pooled connections."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx2.Client()

    def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        url = f"{self._url}/v1/models/{predictor}:predict" if predictor else self._url
        try:
            return self._read(url, body, seconds)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as err:
            raise StepError(f"{url}: not a URL; it starts with http:// or https://", 400) from err
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as err:
            raise NotReached(f"{url}: {err or type(err).__name__}; is it running?") from err
        except (httpx2.TimeoutException, TimeoutError) as err:
            raise DeadlineExceeded(f"{url}: no answer within {seconds:.2g} s") from err
        except httpx2.TransportError as err:
            raise NotReady(
                f"{url}: {err or type(err).__name__}; the turn may have been answered"
            ) from err

    def _read(self, url: str, body: bytes, seconds: float) -> Answer:
        """httpx bounds each wait for more bytes; the sum is bounded here."""
        end = time.monotonic() + seconds
        headers = {"content-type": "application/json"}
        posted = self._http.stream("POST", url, content=body, headers=headers, timeout=seconds)
        with posted as response:
            read = bytearray()
            for chunk in response.iter_bytes():
                read += chunk
                if time.monotonic() > end:
                    raise TimeoutError
        return Answer(
            response.status_code,
            bytes(read),
            response.headers.get("content-type"),
            response.headers.get("retry-after", ""),
        )

    def close(self) -> None:
        self._http.close()
