"""Runs jobs against a router and writes down what was seen. One JSON line in, one out.

`python -m tests.conformance.worker ours` or `... kserve BINARY`. Started in a network namespace
of its own it brings the loopback interface up first; it reaches nothing outside of it.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance.exchange import Job, Observation, Request, job_from_json, to_json
from tests.conformance.service import Service
from tests.conformance.sides import Ours, kserve

# Starts a router for `spec` and `PROPAGATE_HEADERS` and gives its port.
Start = Callable[[dict[str, Any], str | None], AbstractAsyncContextManager[int]]

_ANSWER_SECONDS = 20.0
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
# Nothing listens there: the port is privileged and has no service in a namespace.
_REFUSED = "127.0.0.1:1"


def main(argv: list[str]) -> None:
    if argv[0] == "kserve":
        _raise_loopback()
    asyncio.run(_work(argv[0], Path(argv[1]) if argv[1:] else None))


async def _work(side: str, binary: Path | None) -> None:
    service, ours = Service(), Ours()
    address = await service.start()
    start = partial(kserve, binary) if side == "kserve" and binary else ours.serve
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = job_from_json(line)
        seen = await _run(job, start, service, address)
        print(to_json(seen), flush=True)
    await ours.stop()
    await service.stop()


async def _run(job: Job, start: Start, service: Service, address: str) -> list[Observation]:
    spec = {"nodes": job.nodes} | ({"routerTimeouts": job.timeouts} if job.timeouts else {})
    text = json.dumps(spec).replace("$service", address).replace("$refused", _REFUSED)
    seen = []
    async with start(json.loads(text), job.propagate) as port:
        for request in job.requests:
            service.script(job.services)
            status, headers, body = await _ask(port, request)
            seen.append(Observation(status, body, headers, tuple(service.calls)))
    hidden = address.encode()
    return [_without_address(observation, hidden) for observation in seen]


def _without_address(seen: Observation, address: bytes) -> Observation:
    """The observation with `$service` again where the port of this run stands."""
    return Observation(
        seen.status, seen.body.replace(address, b"$service"), seen.headers, seen.calls
    )


async def _ask(port: int, request: Request) -> tuple[int, dict[str, str], bytes]:
    """The answer to one request on a connection of its own, read byte by byte as it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: graph", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines.append(f"Content-Length: {len(request.body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
    async with asyncio.timeout(_ANSWER_SECONDS):
        answer = await reader.read()
    writer.close()
    return _split(answer) if answer else (0, {}, b"")


def _split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = _join_chunks(body)
    return int(first.split(" ")[1]), headers, body


def _join_chunks(body: bytes) -> bytes:
    joined = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        joined += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return joined


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", _IFF_UP)
        fcntl.ioctl(sock.fileno(), _SIOCSIFFLAGS, request)


if __name__ == "__main__":
    main(sys.argv[1:])
