"""A real Prometheus, of Debian's package, on this machine and for a test alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.processes import free_port

_SECONDS = 60.0


def program(name: str) -> str:
    """`prometheus` or `promtool`; skips, by name, where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on the PATH: Debian's package `prometheus` has it")
    return found


def promtool(*words: str, stdin: str | None = None) -> str:
    """What it prints. Fails where it finds something."""
    command = [program("promtool"), *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Prometheus:
    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query. Fails where Prometheus refuses it."""
        answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", (expression, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """The series of a query, once there are any; empty where none come in a minute."""
        end = time.monotonic() + _SECONDS
        while not (found := self.query(expression)) and time.monotonic() < end:
            pass
        return found

    def rules(self) -> list[dict[str, Any]]:
        """All rules, each evaluated at least once."""
        while True:
            answer = httpx2.get(f"{self.url}/api/v1/rules").json()
            rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
            if rules and all(rule["health"] != "unknown" for rule in rules):
                return rules


@contextmanager
def scraping(url: str, rules: Sequence[Path], folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that reads a server's /metrics every second."""
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": "parley",
                "static_configs": [
                    # A cluster's operator adds these two.
                    {
                        "targets": [url.removeprefix("http://")],
                        "labels": {"namespace": "parley", "pod": "one"},
                    }
                ],
            }
        ],
    }
    file = folder / "prometheus.json"
    # JSON is YAML.
    file.write_text(json.dumps(config))
    promtool("check", "config", str(file))
    command = [
        program("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        _wait_until_ready(prometheus.url, process, folder / "log")
        yield prometheus
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        try:
            if httpx2.get(f"{url}/-/ready").status_code == 200:
                return
        except httpx2.ConnectError:
            continue
    pytest.fail(log.read_text())
