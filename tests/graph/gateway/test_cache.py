"""What gateways remember together, in a real Redis or Valkey; a server that fails fails no turn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from graph.errors import SpecError
from graph.gateway.cache import RedisCache, open_cache
from graph.gateway.histories import Histories, Remembered
from tests.graph.gateway.playing import Gate, Writes, local_graph

PROGRAMS = ("valkey-server", "redis-server")
PASSWORD = "a password / with # signs"
QUOTED = "a%20password%20%2F%20with%20%23%20signs"
SAID = ("Bonjour, je m'appelle Marie.", "Comment ça va aujourd'hui ?")
KEY, HI = b"a hash", Remembered("Hi 😀", "fr")


@dataclass
class Server:
    """A real one on a free port. options: of its command line."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{QUOTED}@127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        program = next(filter(None, map(shutil.which, PROGRAMS)))
        self.port = self.port or free_port()
        own = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir")
        words = [program, *own, str(self.folder), "--requirepass", PASSWORD, *self.options]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        async with asyncio.timeout(30), Redis.from_url(self.url) as client:
            while True:
                with contextlib.suppress(RedisError):
                    await client.ping()
                    return

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not any(map(shutil.which, PROGRAMS)):
        pytest.skip(f"needs {' or '.join(PROGRAMS)} on the PATH")
    server = Server(tmp_path)
    yield server
    server.stop()


@contextmanager
def refused_port() -> Iterator[int]:
    """One that is bound, so that nobody else takes it, but at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@asynccontextmanager
async def opened(server: Server, clock: Callable[[], float]) -> AsyncIterator[RedisCache]:
    async with Redis.from_url(server.url) as client:
        yield RedisCache(client, "chat", 60, clock)


async def test_a_conversation_goes_on_at_another_gateway_without_a_translation(
    server: Server,
) -> None:
    await server.start()
    local = local_graph(Writes("You said: {}".format))
    async with open_cache(server.url, "parley/chat", 60) as here:
        first = Gate(local, Histories(shared=here))
        parts, _ = await first.say(SAID[0])
    async with open_cache(server.url, "parley/chat", 60) as there:
        second = Gate(local, Histories(shared=there))
        await second.say(SAID[0], "".join(parts), SAID[1])
    [[turn]] = second.calls("detector")
    assert turn["history"] == [f"en:{SAID[0]}", f"You said: en:{SAID[0]}"]
    assert turn["previous_language"] == "fr"


async def test_what_was_found_there_is_not_asked_for_again(server: Server) -> None:
    await server.start()
    async with open_cache(server.url, "chat", 60) as cache:
        local = local_graph(Writes("You said: {}".format))
        await Gate(local, Histories(shared=cache)).say(*SAID[:1], "Salut Marie.", SAID[1])
        histories = Histories(shared=cache)
        await Gate(local, histories).say(*SAID[:1], "Salut Marie.", SAID[1])
        server.stop()
        again = Gate(local, histories)
        await again.say(*SAID[:1], "Salut Marie.", SAID[1])
    assert len(again.calls("detector")) == 1


async def test_an_entry_is_its_graphs_own_and_ends_with_its_time(server: Server) -> None:
    await server.start()
    async with open_cache(server.url, "chat", 60) as cache:
        await cache.put({KEY: HI})
        assert await cache.get([KEY, b"another"]) == [HI, None]
    async with open_cache(server.url, "other", 60) as other:
        assert await other.get([KEY]) == [None]
    async with Redis.from_url(server.url) as client:
        [name] = await client.keys()
        assert 0 < await client.pttl(name) <= 60_000
        await client.set(name, "what another program wrote")
    async with open_cache(server.url, "chat", 60) as cache:
        assert await cache.get([KEY]) == [None]


async def test_a_server_with_a_bound_forgets_the_oldest(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.options = ("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")
    await server.start()
    async with open_cache(server.url, "chat", 60) as cache:
        for i in range(100):
            await cache.put({b"%d" % i: Remembered("x" * 100_000, "fr")})
        assert await cache.get([b"0"]) == [None]
        assert await cache.get([b"99"]) != [None]
    async with Redis.from_url(server.url) as client:
        assert (await client.info("memory"))["used_memory"] < 4 << 20
    assert caplog.messages == []


async def test_a_server_without_a_bound_is_told_of_at_the_start(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await server.start()
    async with open_cache(server.url, "chat", 60):
        [line] = caplog.messages
    assert line.startswith(f"--cache 127.0.0.1:{server.port}: grows without bound")


async def test_a_server_that_ends_is_a_miss_and_one_line_until_it_is_back(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await server.start()
    now = [0.0]
    async with opened(server, lambda: now[0]) as cache:
        await cache.put({KEY: HI})
        server.stop()
        gate = Gate(local_graph(Writes("You said: {}".format)), Histories(shared=cache))
        for message in SAID:
            parts, ending = await gate.say(SAID[0], "Salut Marie.", message)
            assert parts and "degraded" not in ending.parley
        [line] = caplog.messages
        assert "what it holds is translated anew" in line and "signs" not in line
        now[0] = 10.0
        assert await cache.get([KEY]) == [None]
        assert caplog.messages == [line]
        await server.start()
        now[0] = 20.0
        await cache.put({KEY: HI})
        assert await cache.get([KEY]) == [HI]
    assert caplog.messages[1:] == [f"--cache 127.0.0.1:{server.port}: answers again"]


@pytest.mark.parametrize("options", [("--maxmemory", "1"), ("--requirepass", "another")])
async def test_a_full_server_and_a_wrong_password_are_a_miss_too(
    server: Server, caplog: pytest.LogCaptureFixture, options: tuple[str, ...]
) -> None:
    await server.start()
    async with Redis.from_url(server.url) as client:
        await client.config_set(options[0].removeprefix("--"), options[1])
    async with opened(server, lambda: 0.0) as cache:
        await cache.put({KEY: HI})
        assert await cache.get([KEY]) == [None]
    assert len(caplog.messages) == 1 and "signs" not in caplog.text


async def test_a_server_that_never_answers_holds_nobody_up_for_long(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    accepted: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, w: accepted.append(w), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, open_cache(f"redis://127.0.0.1:{port}", "chat", 60) as cache:
        assert await cache.get([KEY]) == [None]
        for writer in accepted:
            writer.close()
    assert len(caplog.messages) == 1


async def test_a_server_that_is_not_there_is_no_reason_not_to_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with refused_port() as port:
        async with open_cache(f"redis://127.0.0.1:{port}", "chat", 60) as cache:
            assert await cache.get([KEY]) == [None]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "url", ["", "http://x", "redis://:secret#x@host:6379", "redis://host?secret=1", "redis://h:x"]
)
async def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SpecError, match="--cache: must be like redis://") as caught:
        async with open_cache(url, "chat", 60):
            raise AssertionError("it was opened")
    assert "secret" not in str(caught.value)
