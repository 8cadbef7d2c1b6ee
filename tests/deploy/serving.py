"""What the chart renders, served on this machine by `parley serve -`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from tests.deploy.chart import CHART

SERVE = [sys.executable, "-m", "graph.cli.main", "serve", "-", "--port=0", "--gateway"]


@contextlib.contextmanager
def serving(rendered: str, environ: Mapping[str, str]) -> Iterator[str]:
    """`parley serve -` on a render, with its gateway; the URL of both."""
    with subprocess.Popen(
        SERVE,
        cwd=CHART.parents[1],
        env=os.environ | environ,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            yield _announced(server, rendered)
        finally:
            server.terminate()
            server.wait(timeout=60)


def _announced(server: subprocess.Popen[str], rendered: str) -> str:
    assert server.stdin is not None and server.stderr is not None
    server.stdin.write(rendered)
    server.stdin.close()
    said: list[str] = []
    for line in server.stderr:
        said.append(line)
        if " is ready at " in line:
            return line.split(" is ready at ")[1].strip()
    raise AssertionError(f"parley serve ended before it was ready: {''.join(said)}")
