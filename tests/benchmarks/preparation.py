"""Makes what a run needs before its time counts: weights, peers' environments, KServe's router."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.contenders import PEER_OF, Given
from tests.benchmarks.environments import PEERS, NotInstalled, environment
from tests.benchmarks.plan import kind_of
from tests.benchmarks.systems import ROOT
from tests.benchmarks.weights.store import Weights, read_weights
from tests.tools import binaries

_ROUTER = "kserve-router"


class NotPrepared(Exception):
    """The weights cannot be made; one line."""


@contextmanager
def prepared(
    size: str, systems: Iterable[str], failures: dict[str, str]
) -> Iterator[tuple[Given, list[str]]]:
    """What the systems of these keys run on, and the keys that can run.

    failures: takes why the others cannot. Raises NotPrepared.
    """
    keys = list(dict.fromkeys(systems))
    weights = make_weights(size)
    peers = _peers(keys, failures)
    router = _router(failures) if "cluster-stubs" in keys else ""
    can_run = [key for key in keys if key not in failures]
    with TemporaryDirectory(prefix="bench-") as folder:
        yield Given(weights, peers, router, Path(folder)), can_run


def make_weights(size: str) -> Weights:
    """In a process of its own, whose torch is gone when something is measured."""
    command = [sys.executable, "-m", "tests.benchmarks.weights.store", "--size", size]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise NotPrepared(f"the {size} weights cannot be made; the reason is above")
    return read_weights(Path(done.stdout.strip()))


def _peers(keys: Iterable[str], failures: dict[str, str]) -> dict[str, Path]:
    needed = {key: PEER_OF[kind_of(key)] for key in keys if kind_of(key) in PEER_OF}
    known = {peer.name: peer for peer in PEERS}
    found: dict[str, Path] = {}
    for key, name in needed.items():
        try:
            found[name] = environment(known[name])
        except NotInstalled as err:
            failures[key] = str(err)
    return found


def _router(failures: dict[str, str]) -> str:
    try:
        return str(binaries.build([_ROUTER], os.environ)[_ROUTER])
    except binaries.BuildError as err:
        failures["cluster-stubs"] = str(err).splitlines()[0]
        return ""
