"""Runs jobs against a router and writes down what was seen. One JSON line in, one out.

`python -m tests.conformance.worker ours` or `... kserve BINARY`. Started in a network namespace
of its own it brings the loopback interface up first; it reaches nothing outside of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance.exchange import Job, Observation, Reply, Request, job_from_json, to_json
from tests.conformance.service import Service, read_chunks
from tests.conformance.sides import Ours, kserve
from tests.network import raise_loopback

# Starts a router for `spec` and `PROPAGATE_HEADERS` and gives its port.
Start = Callable[[dict[str, Any], str | None], AbstractAsyncContextManager[int]]

_ANSWER_SECONDS = 20.0
_QUIET_SECONDS = 0.03
# Nothing listens there: the port is privileged and has no service in a namespace.
_REFUSED = "127.0.0.1:1"


def main(argv: list[str]) -> None:
    if argv[0] == "kserve":
        raise_loopback()
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
    scripts = {
        name: [_addressed(r, address) for r in replies] for name, replies in job.services.items()
    }
    seen = []
    async with start(json.loads(text), job.propagate) as port:
        for request in job.requests:
            service.script(scripts)
            status, headers, body = await _ask(port, request)
            if "Ensemble" in text:
                await _settle(service)
            seen.append(Observation(status, body, headers, tuple(service.calls)))
    return [_without_address(observation, address) for observation in seen]


def _addressed(reply: Reply, address: str) -> Reply:
    names = {"$service": address, "$refused": _REFUSED, "$elsewhere": _elsewhere(address)}
    headers = dict(reply.headers)
    for name in headers:
        for mark, stands_for in names.items():
            headers[name] = headers[name].replace(mark, stands_for)
    return replace(reply, headers=tuple(headers.items()))


def _elsewhere(address: str) -> str:
    """The same services under another host's name."""
    return "localhost:" + address.rpartition(":")[2]


async def _settle(service: Service) -> None:
    """Waits until no call has come for a while: KServe's Ensemble goes on after its answer."""
    count = -1
    while count != len(service.calls):
        count = len(service.calls)
        await asyncio.sleep(_QUIET_SECONDS)


def _without_address(seen: Observation, address: str) -> Observation:
    """The observation with `$service` again where the port of this run stands."""
    calls = tuple(
        replace(call, headers=tuple((n, v.replace(address, "$service")) for n, v in call.headers))
        for call in seen.calls
    )
    return replace(seen, body=seen.body.replace(address.encode(), b"$service"), calls=calls)


async def _ask(port: int, request: Request) -> tuple[int, dict[str, str], bytes]:
    """The answer to one request on a connection of its own; status 0 where none comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: graph"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines.append(f"Content-Length: {len(request.body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await _read_answer(reader, request.method)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return 0, {}, b""
    finally:
        writer.close()


async def _read_answer(
    reader: asyncio.StreamReader, method: str
) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    status = int(first.split(" ")[1])
    if method == "HEAD" or status < 200 or status in (204, 304):
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        return status, headers, await read_chunks(reader)
    if "content-length" in headers:
        return status, headers, await reader.readexactly(int(headers["content-length"]))
    return status, headers, await reader.read()


if __name__ == "__main__":
    main(sys.argv[1:])
