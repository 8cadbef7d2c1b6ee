"""The bench on which the two routers are compared: one worker process for each side.

KServe's router is built from its Go module (`tests.tools.binaries`) and runs in a network
namespace. Without Go, or without the right to make a namespace, only our side runs: the tests that
compare the two are then skipped, and the summary of the test run says why. Where the environment
says `CI` they fail instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from tests.conformance.exchange import Job, Observation, observations_from_json, to_json
from tests.network import find_namespace
from tests.tools import binaries

_GJSON = Path(__file__).parent / "gjson"


@dataclass(frozen=True)
class Side:
    """One router, through the worker that runs it."""

    process: subprocess.Popen[str]

    def run(self, job: Job) -> list[Observation]:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(to_json(job), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the worker ended; its error is above")
        return observations_from_json(line)


@dataclass(frozen=True)
class Bench:
    ours: Side
    kserve: Side | None
    missing: str = ""

    def run_kserve(self, job: Job) -> list[Observation]:
        """What KServe's router does. Where it cannot run, the test is left out."""
        if self.kserve is None:
            leave_out(self.missing, os.environ)
        return self.kserve.run(job)


@contextlib.contextmanager
def open_bench(environ: Mapping[str, str]) -> Iterator[Bench]:
    """Both workers, or ours alone where `missing` says why."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_worker([], ["ours"]))
        missing = why_no_router(environ)
        if missing:
            yield Bench(ours, None, missing)
            return
        router = binaries.build(["kserve-router"], environ)["kserve-router"]
        namespace = find_namespace()
        assert namespace is not None
        kserve = stack.enter_context(_worker(namespace, ["kserve", str(router)]))
        yield Bench(ours, kserve)


def leave_out(reason: str, environ: Mapping[str, str]) -> NoReturn:
    """Skips the test that runs, by name and with the reason; in CI it fails."""
    if environ.get("CI"):
        pytest.fail(f"this must run in CI: {reason}")
    pytest.skip(reason)


def why_no_router(environ: Mapping[str, str]) -> str:
    """Why KServe's router cannot run here; empty where it can."""
    if binaries.cached("kserve-router", environ) is None and shutil.which("go") is None:
        return "no Go on this machine to build it"
    return "" if find_namespace() else "no network namespace can be made here"


def find_gjson(environ: Mapping[str, str]) -> Path | None:
    """A program that asks Go's own gjson, built where it is not yet; None without Go."""
    target = binaries.cache_folder(environ) / "bin" / "gjson-v1.18.0"
    if target.exists():
        return target
    if shutil.which("go") is None:
        return None
    subprocess.run(["go", "build", "-o", str(target), "."], cwd=_GJSON, check=True)
    return target


@contextlib.contextmanager
def _worker(prefix: list[str], arguments: list[str]) -> Iterator[Side]:
    command = [*prefix, sys.executable, "-m", "tests.conformance.worker", *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        yield Side(process)
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()
