"""The bench for this folder's tests, and a loud word where KServe's router cannot run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.bench import Bench, open_bench

_MISSING = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with open_bench(os.environ) as opened:
        request.config.stash[_MISSING] = opened.missing
        yield opened


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    missing = config.stash.get(_MISSING, "")
    if missing:
        terminalreporter.section("KSERVE'S ROUTER DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"Only our side of the conformance tests ran: {missing}.", red=True)
