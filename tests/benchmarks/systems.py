"""What is measured: how each system is started, where it answers, what it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class System:
    """name: of the rows.  command: a server at `port`, or, without one, a program of jobs.

    path: where requests go.  ready: a path that is answered with 200 when it can serve.
    environ: variables beside those of the bench.  start: seconds that it may take to start.
    folder: where it runs, else in the bench's own tree.
    """

    name: str
    command: tuple[str, ...]
    port: int = 0
    path: str = "/"
    ready: str = "/"
    environ: Mapping[str, str] = field(default_factory=dict)
    start: float = 180.0
    folder: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def system_to_json(system: System) -> str:
    return json.dumps(asdict(system))


def system_of(text: str) -> System:
    values = json.loads(text)
    return System(**{**values, "command": tuple(values["command"])})
