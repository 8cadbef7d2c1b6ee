"""What the metrics of a gateway tell of its turns."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from graph.errors import EngineError
from graph.gateway.app import GatewayApp, GatewayLimits
from graph.gateway.keys import ApiKeys
from graph.local.app import app_of, with_gateway
from graph.telemetry.telemetry import Telemetry
from tests.counting import counted, series
from tests.graph.gateway.playing import Gate, Writes, local_graph
from tests.graph.gateway.test_app import ASKED, FRENCH, KEY, MODEL, ask
from tests.leaving import leave_after

G = "parley_gateway"
STREAM = {"stream": True}


def gateway(engine: Writes | None = None, **options: Any) -> tuple[GatewayApp, CollectorRegistry]:
    telemetry = Telemetry()
    gate = Gate(local_graph(engine or Writes(lambda text: "One is here. Two is there.")))
    return GatewayApp(gate.gateway, telemetry=telemetry, **options), telemetry.registry


async def test_a_turn_is_counted_by_language_route_status_and_what_it_lacks() -> None:
    app, registry = gateway()
    await ask(app, ASKED)
    await ask(app, ASKED | STREAM)
    french = {"language": "fr", "route": "fr", "status": "2xx", "degraded": "false"}
    assert counted(registry, f"{G}_turn_duration_seconds_count", **french) == 2
    first = f"{G}_first_byte_seconds_count"
    assert counted(registry, first, language="fr", stream="true") == 1
    assert counted(registry, first, language="fr", stream="false") == 1
    assert counted(registry, f"{G}_tokens_total", kind="out") == 12
    for step in ("detector", "translate-fr-en", "chat", "translate-en-fr"):
        assert counted(registry, f"{G}_step_duration_seconds_count", step=step) == 2, step


async def test_what_a_turn_lacks_is_told_by_step_and_reason() -> None:
    app, registry = gateway(Writes(lambda text: ""))
    await ask(app, ASKED)
    assert counted(registry, f"{G}_degraded_total", step="chat", reason="no-answer") == 1
    assert counted(registry, f"{G}_turn_duration_seconds_count", degraded="true") == 1


def fails(text: str) -> str:
    raise EngineError("fake: broken")


async def test_a_turn_that_fails_is_no_refusal() -> None:
    app, registry = gateway(Writes(fails))
    assert (await ask(app, ASKED)).status_code == 500
    assert counted(registry, f"{G}_turn_duration_seconds_count", status="5xx") == 1
    assert counted(registry, f"{G}_refused_total") == 0
    assert counted(registry, f"{G}_first_byte_seconds_count") == 0


@pytest.mark.parametrize(
    ("options", "asked", "reason"),
    [
        ({}, b"{", "bad-request"),
        ({}, ASKED | {"model": "other"}, "not-served"),
        ({"keys": ApiKeys((KEY.encode(),))}, ASKED, "key"),
        ({"limits": GatewayLimits(inflight=0)}, ASKED, "overloaded"),
        ({"limits": GatewayLimits(seconds=0.01)}, ASKED, "deadline"),
        ({"limits": GatewayLimits(seconds=0.01)}, ASKED | STREAM, "deadline"),
    ],
)
async def test_what_is_refused_is_counted_once_by_its_reason(options, asked, reason) -> None:
    engine = Writes(lambda text: "One is here. Two is there.")
    engine.waits_before = 4
    app, registry = gateway(engine, **options)
    await ask(app, asked)
    assert counted(registry, f"{G}_refused_total", reason=reason) == 1
    assert counted(registry, f"{G}_refused_total") == 1


async def test_a_client_that_leaves_is_told_apart() -> None:
    engine = Writes(lambda text: "One is here. Two is there.")
    engine.waits_before = 5
    app, registry = gateway(engine)
    await leave_after(app, "/v1/chat/completions", ASKED | STREAM, b"One is here")
    assert counted(registry, f"{G}_turn_duration_seconds_count", status="gone") == 1
    assert counted(registry, f"{G}_turns") == 0


async def test_a_conversation_that_is_remembered_is_a_hit() -> None:
    app, registry = gateway()
    await ask(app, ASKED)
    answer = {"role": "assistant", "content": "fr:One is here. fr:Two is there."}
    later = [*ASKED["messages"], answer, {"role": "user", "content": FRENCH}]
    await ask(app, ASKED | {"messages": later})
    lookups = f"{G}_history_lookups_total"
    assert counted(registry, lookups, result="hit") == 2
    assert counted(registry, lookups, result="miss") == 0
    assert counted(registry, f"{G}_history_bytes") > 0
    foreign = [{"role": "user", "content": "Salut"}, answer, *ASKED["messages"]]
    await ask(app, ASKED | {"messages": foreign})
    assert counted(registry, lookups, result="miss") == 2


async def test_whatever_is_asked_makes_no_new_series() -> None:
    app, registry = gateway()
    await ask(app, ASKED)
    await ask(app, b"{")
    await ask(app, ASKED | {"model": "other"})
    await ask(app, ASKED | {"parley": {"language": "xx"}})
    before = series(registry)
    for i in range(20):
        await ask(app, ASKED | {"parley": {"language": f"x{chr(97 + i)}"}}, x_request_id=f"n{i}")
        await ask(app, ASKED | {"model": f"{MODEL}:{i}"})
        await ask(app, ASKED, path=f"/v1/{i}")
    assert series(registry) == before


async def test_a_prometheus_needs_no_key_where_all_else_does() -> None:
    app, _ = gateway(keys=ApiKeys((KEY.encode(),)))
    assert (await ask(app, path="/v1/models")).status_code == 401
    told = await ask(app, path="/metrics")
    assert (told.status_code, "parley_gateway_turns 0.0" in told.text) == (200, True)


async def test_in_one_process_one_door_tells_of_all() -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here.")))
    telemetry = Telemetry()
    app = with_gateway(app_of(gate.local, telemetry=telemetry), gate.local, telemetry)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        await client.post("/v1/chat/completions", json=ASKED)
        told = (await client.get("/metrics")).text
    types = [line for line in told.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert f'{G}_turn_duration_seconds_count{{degraded="false",language="fr"' in told
    turns = counted(telemetry.registry, "parley_predictor_turns_total", status="2xx")
    assert turns == counted(telemetry.registry, f"{G}_step_duration_seconds_count") == 4


async def test_turns_under_way_are_seen() -> None:
    engine = Writes(lambda text: "One is here.")
    engine.waits_before = 0
    app, registry = gateway(engine)
    asking = asyncio.create_task(ask(app, ASKED))
    while not counted(registry, f"{G}_turns"):
        await asyncio.sleep(0)
    engine.go.set()
    await asking
    assert counted(registry, f"{G}_turns") == 0
