"""Runs a plan: starts the systems of a block, asks one after the other, and keeps what came."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from tests.benchmarks.contenders import Given, name_of, system_of
from tests.benchmarks.gateway import Goal
from tests.benchmarks.jobs import Job
from tests.benchmarks.plan import ENGLISH, GATEWAY, Block, Row
from tests.benchmarks.reached import limits_of
from tests.benchmarks.results import Measured, Results, measured, start_of
from tests.benchmarks.samples import USUAL, NoProfile, profile
from tests.benchmarks.session import NotRunning, Session, running
from tests.benchmarks.systems import ROOT
from tests.benchmarks.weights.store import Weights


class Run:
    """A run of blocks. save: called when there is something new in the results."""

    def __init__(self, given: Given, results: Results, save: Callable[[], None]) -> None:
        self._given = given
        self._results = results
        self._save = save

    def measure(self, blocks: Iterable[Block]) -> None:
        """Raises NoNamespace. A system that does not start or ends has a failure, not rows."""
        for block in blocks:
            self._run(self._left(block))

    def _left(self, block: Block) -> Block:
        """Without what the results have already."""
        rows = tuple(row for row in block.rows if not self._results.has(row))
        known = {(start.system, start.search) for start in self._results.starts}
        starts = tuple(each for each in block.starts if each not in known)
        return Block(rows, starts)

    def _run(self, block: Block) -> None:
        for key, search in block.starts:
            with ExitStack() as stack:
                self._start(stack, key, search)
        with ExitStack() as stack:
            sessions = {each: self._start(stack, *each) for each in block.systems}
            for row in block.rows:
                session = sessions[row.system, row.search]
                if session is not None:
                    self._ask(session, row)

    def _start(self, stack: ExitStack, key: str, search: str) -> Session | None:
        """A second time where the first one fails: Ray gives up by itself on a slow machine."""
        system = system_of(key, search, self._given)
        for is_last in (False, True):
            try:
                session = stack.enter_context(running(system))
            except NotRunning as err:
                if is_last:
                    self._fail(key, str(err))
                continue
            self._results.starts.append(start_of(key, search, session.started))
            self._save()
            return session
        return None

    def _ask(self, session: Session, row: Row) -> None:
        weights = self._given.weights
        texts = weights.english if row.language == ENGLISH else weights.french
        try:
            load = session.run(Job(texts, row.clients, row.seconds, row.ramp))
        except NotRunning as err:
            self._fail(row.system, str(err))
            return
        found = measured(row, load, datetime.now().astimezone().isoformat(timespec="seconds"))
        self._results.rows.append(found)
        self._save()
        print(line_of(found), file=sys.stderr, flush=True)

    def _fail(self, key: str, reason: str) -> None:
        self._results.failures[key] = reason
        self._save()
        print(reason, file=sys.stderr, flush=True)


def measure_limits(weights: Weights, results: Results) -> None:
    """What the machine can do, and the engines; in a process of its own, which needs torch."""
    folder = str(Path(weights.models).parent)
    command = [sys.executable, "-m", "tests.benchmarks.limits", folder]
    print("measuring the machine and the engines", file=sys.stderr)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    results.limits = limits_of(json.loads(done.stdout))
    try:
        results.profile = profile(weights, USUAL)
    except NoProfile as err:
        results.no_profile = str(err)


def measure_gateway(results: Results) -> None:
    """What streaming gains and costs, with the models that the chat is installed with."""
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists():
        results.failures[GATEWAY] = "`make .venv/dev` installs what it needs"
        return
    size = ("--models",) if results.size == "full" else ("--streams=50",)
    command = [str(python), "-m", "tests.benchmarks.gateway", "--json", *size]
    print("measuring the gateway", file=sys.stderr)
    # Its exit code says whether all goals were reached.
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        results.failures[GATEWAY] = "it ended; its error is above"
        return
    results.gateway = [Goal(**each) for each in json.loads(done.stdout)]


def line_of(found: Measured) -> str:
    """For whoever watches the run."""
    row = found.row
    what = " ".join(filter(None, (row.part, row.search, row.language)))
    errors = f", {found.failed} failed: {found.error}" if found.failed else ""
    refused = f", {found.refused} refused" if found.refused else ""
    others = f", others {found.others:.0%}" if found.is_disturbed else ""
    return (
        f"{what:20} {name_of(row.system):34} {row.clients:3} clients {found.rate:8.3f}/s "
        f"p50 {found.quantile(0.5):8.4f} s p99 {found.quantile(0.99):8.4f} s "
        f"{found.answers} answers{refused}{others}{errors}"
    )
