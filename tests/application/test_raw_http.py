"""HTTP that no library sends, at a predictor and at the graph: no 500, no hang, and it goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import httpx2
import pytest

from graph.http import head as http_head
from graph.local.app import app_of
from predictors.door import middleware
from tests.conftest import served
from tests.fakes import embedded_graph, predictors

BODY = b'{"user_input": "Hi"}'
# Past this a server hangs.
SECONDS = 20
# What a server may say to HTTP that is wrong; or it may close the connection.
REFUSALS = {400, 411, 413, 415, 431, 501}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(app_of(embedded_graph(predictors()))) as url:
        yield url


@pytest.fixture(params=["/", "/v1/models/chat:predict"], ids=["graph", "predictor"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: a", *lines, "", "")).encode()


def send(url: str, *parts: bytes) -> list[int]:
    """The statuses of what the server says until it closes or has said all; each is a response."""
    address = urlsplit(url)
    assert address.hostname and address.port
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            # It has answered and reads no further.
            pass
        return read_statuses(connection)


def read_statuses(connection: socket.socket) -> list[int]:
    said = b""
    while True:
        try:
            block = connection.recv(1 << 16)
        except ConnectionResetError:
            block = b""
        if not block:
            break
        said += block
    return [int(line.split()[1]) for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def goes_on(url: str, path: str) -> None:
    answer = httpx2.post(url + path, content=BODY, timeout=SECONDS)
    assert answer.status_code == 200, answer.text


LENGTH = f"Content-Length: {len(BODY)}"
WRONG: dict[str, Callable[[str], tuple[bytes, ...]]] = {
    "Content-Length twice, unlike": lambda path: (
        head(path, LENGTH, "Content-Length: 3"),
        BODY,
    ),
    "Content-Length twice, alike": lambda path: (head(path, LENGTH, LENGTH), BODY),
    "Content-Length that is no number": lambda path: (head(path, "Content-Length: many"), BODY),
    "Content-Length below zero": lambda path: (head(path, "Content-Length: -1"), BODY),
    "Content-Length with a sign": lambda path: (head(path, f"Content-Length: +{len(BODY)}"), BODY),
    "Transfer-Encoding and Content-Length": lambda path: (
        head(path, LENGTH, "Transfer-Encoding: chunked"),
        b"0\r\n\r\n",
        head(path, LENGTH),
    ),
    "a Transfer-Encoding that is unknown": lambda path: (
        head(path, "Transfer-Encoding: xchunked"),
        BODY,
    ),
    "a chunk's size that is no number": lambda path: (
        head(path, "Transfer-Encoding: chunked"),
        b"zz\r\nhello\r\n0\r\n\r\n",
    ),
    "a chunk's size beyond 64 bits": lambda path: (
        head(path, "Transfer-Encoding: chunked"),
        b"fffffffffffffffff\r\n",
    ),
    "a chunk without its end": lambda path: (
        head(path, "Transfer-Encoding: chunked"),
        b"3\r\nhello there\r\n0\r\n\r\n",
    ),
    "a space before the colon": lambda path: (head(path, f"Content-Length : {len(BODY)}"), BODY),
    "a header that goes on in the next line": lambda path: (head(path, "A: b", " c", LENGTH),),
    "a NUL in a header": lambda path: (head(path, "A: \0", LENGTH), BODY),
    "a header line of 1 MB": lambda path: (head(path, "A: " + "b" * 1_000_000, LENGTH), BODY),
    "100,000 headers": lambda path: (
        head(path, *(f"A{number}: b" for number in range(100_000)), LENGTH),
        BODY,
    ),
    "an address of 1 MB": lambda path: (head(path + "x" * 1_000_000, LENGTH), BODY),
    "no HTTP at all": lambda path: (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 100,),
    "HTTP/2 without TLS": lambda path: (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_http_is_refused_and_the_next_request_is_answered(
    wrong: str, url: str, path: str
) -> None:
    statuses = send(url, *WRONG[wrong](path))
    # One that is read as one request at most: what follows must not be smuggled in as a second.
    assert len(statuses) <= 1 and set(statuses) <= REFUSALS, statuses
    goes_on(url, path)


@pytest.mark.parametrize("version", ["0.9", "1.0", "2.0"])
def test_another_version_of_http_never_fails_the_server(version: str, url: str, path: str) -> None:
    request = f"POST {path} HTTP/{version}\r\nHost: a\r\n{LENGTH}\r\n\r\n".encode() + BODY
    assert set(send(url, request)) <= {200, *REFUSALS, 505}
    goes_on(url, path)


def test_a_head_that_never_ends_is_cut_off(
    url: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_head, "READ", 0.2)
    address = urlsplit(url)
    assert address.hostname and address.port
    with closing(socket.create_connection((address.hostname, address.port), SECONDS)) as half:
        half.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nA: ".encode())
        assert half.recv(1) == b""
    goes_on(url, path)


def test_a_body_that_never_comes_whole_is_cut_off(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "READ", 0.2)
    path = "/v1/models/chat:predict"
    address = urlsplit(url)
    assert address.hostname and address.port
    with closing(socket.create_connection((address.hostname, address.port), SECONDS)) as half:
        half.sendall(head(path, LENGTH) + BODY[:5])
        assert half.recv(12) == b"HTTP/1.1 504"
    goes_on(url, path)


def test_a_hundred_half_requests_hold_nobody(url: str, path: str) -> None:
    address = urlsplit(url)
    assert address.hostname and address.port
    where = (address.hostname, address.port)
    halves = [socket.create_connection(where, SECONDS) for _ in range(100)]
    try:
        for half in halves:
            half.sendall(head(path, LENGTH) + BODY[:5])
        goes_on(url, path)
    finally:
        for half in halves:
            half.close()
    assert threading.active_count() < 100
