"""The bench for this folder's tests, and a warning where KServe's router cannot run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.bench import Bench, open_bench, why_no_router


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    with open_bench(os.environ) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tests may have run in processes of their own, so the reason is found out here again."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("skipped")
    ran = any("conformance/" in report.nodeid for report in reports)
    missing = why_no_router(os.environ) if ran else ""
    if missing:
        terminalreporter.section("KSERVE'S ROUTER DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"Only our side of the conformance tests ran: {missing}.", red=True)
