"""`/metrics` in the formats that Prometheus reads."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from prometheus_client import Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from graph.telemetry.exposition import MetricsApp, new_registry

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def asked(app: MetricsApp, accept: str) -> httpx2.Response:
    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/metrics", headers={"accept": accept})

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("accept", "media_type", "parse"),
    [(OPENMETRICS, "application/openmetrics-text", openmetrics), ("*/*", "text/plain", plain)],
)
def test_a_scraper_has_the_format_that_it_accepts(accept, media_type, parse) -> None:
    registry = new_registry()
    Counter("pages", "Pages.", registry=registry).inc()
    answer = asked(MetricsApp(registry), accept)
    assert answer.headers["content-type"].startswith(media_type)
    names = {sample.name for family in parse(answer.text) for sample in family.samples}
    assert {"pages_total", "process_cpu_seconds_total", "python_info"} <= names
    assert not [name for name in names if name.endswith("_created")]


def test_two_registries_share_nothing() -> None:
    first, second = new_registry(), new_registry()
    Counter("pages", "Pages.", registry=first).inc()
    Counter("pages", "Pages.", registry=second)
    assert first.get_sample_value("pages_total") == 1
    assert second.get_sample_value("pages_total") == 0
