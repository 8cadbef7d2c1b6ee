"""What several gateways remember together, in one Redis or Valkey server.

It may hold anybody's words, so it is asked in its own name space, by hashes, and never named with
its password. A server that is down, full or slow fails no turn and holds none up for long: what it
does not answer counts as unknown, one line in the log says so, and it is left alone for a while. In
bytes it is bounded by the server's own `maxmemory`, in time by the seconds of each entry.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from graph.errors import SpecError
from graph.gateway.histories import Remembered

T = TypeVar("T")
log = logging.getLogger(__name__)
# A server that is near answers in a millisecond; a translation takes a hundred.
_SECONDS = 0.5
# For as long a server that did not answer is left alone.
_PAUSE = 5.0
_CONNECTIONS = 64


@asynccontextmanager
async def open_cache(url: str, graph: str, seconds: float) -> AsyncIterator[RedisCache]:
    """A cache for one graph, whose name no other has. Its connections close with the context.

    url: `redis://` or `rediss://` with host, port, password and number of the database.
    seconds: for which an entry is kept. Raises SpecError for a URL that is none.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_SECONDS,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            # A connection that was kept may have ended with its server.
            retry=Retry(NoBackoff(), 1),
        )
        # A parameter of the URL that is unknown would only be seen at the first request.
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError) as err:
        # What the library says of it may hold a part of the password.
        raise SpecError(
            "--cache: must be like redis://:PASSWORD@HOST:6379/0, or rediss:// for TLS; in the "
            "password write # as %23 and / as %2F"
        ) from err
    async with Redis.from_pool(pool) as client:
        cache = RedisCache(client, graph, seconds)
        await cache.check()
        yield cache


class RedisCache:
    """clock: seconds that never go back."""

    def __init__(
        self,
        client: Redis,
        graph: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._prefix = f"parley:{graph}:"
        self._milliseconds = max(1, round(seconds * 1000))
        self._clock = clock
        self._is_down = False
        self._asked_again = 0.0

    async def check(self) -> None:
        """Ask once, so that the log tells at the start what would go wrong."""
        nothing: dict[str, Any] = {}
        memory = await self._ask(lambda: self._client.info("memory"), nothing)
        if memory and not memory.get("maxmemory"):
            log.warning(
                "--cache %s: grows without bound; set its maxmemory, and maxmemory-policy "
                "allkeys-lru",
                self.name,
            )

    @property
    def name(self) -> str:
        """Where it is, without its password."""
        place = self._client.connection_pool.connection_kwargs
        return str(place.get("path") or f"{place.get('host')}:{place.get('port', 6379)}")

    async def get(self, keys: Sequence[bytes]) -> list[Remembered | None]:
        nothing: list[bytes | None] = [None] * len(keys)
        names = [self._name(key) for key in keys]
        return [
            _read(value) for value in await self._ask(lambda: self._client.mget(names), nothing)
        ]

    async def put(self, entries: Mapping[bytes, Remembered]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for key, remembered in entries.items():
            value = json.dumps([remembered.english, remembered.language], ensure_ascii=False)
            pipeline.set(self._name(key), value, px=self._milliseconds)
        await self._ask(pipeline.execute, [])

    def _name(self, key: bytes) -> str:
        return self._prefix + key.hex()

    async def _ask(self, request: Callable[[], Awaitable[Any]], otherwise: T) -> T:
        """What the server answers; `otherwise` where it does not."""
        if self._is_down and self._clock() < self._asked_again:
            return otherwise
        try:
            async with asyncio.timeout(2 * _SECONDS):
                answer: T = await request()
        except (RedisError, OSError, TimeoutError) as err:
            self._lose(err)
            return otherwise
        if self._is_down:
            self._is_down = False
            log.warning("--cache %s: answers again", self.name)
        return answer

    def _lose(self, err: Exception) -> None:
        self._asked_again = self._clock() + _PAUSE
        if not self._is_down:
            self._is_down = True
            reason = str(err) or f"no answer within {2 * _SECONDS:g} s"
            log.warning("--cache %s: %s; what it holds is translated anew", self.name, reason)


def _read(value: bytes | None) -> Remembered | None:
    """An entry; None for what another program may have written there."""
    try:
        english, language = json.loads(value or b"null")
    except (ValueError, TypeError):
        return None
    return Remembered(str(english), str(language))
