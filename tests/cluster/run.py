"""`python -m tests.cluster.run [ARGUMENT ...]`: the tests on a cluster, in two lanes side by side.

A cluster mostly waits: all tests one after the other keep a fifth of two cores busy. What shares
the project's own namespace, its gateway or a registry is one lane (`conftest.py`); the modules that
work in namespaces of their own are the other. The arguments go to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pytest import ExitCode

from predictors.images import catalogue as images
from tests.cluster import foreign, harness
from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import prefix

# Of the tests with this marker no two run at the same time.
PROJECT = "project"
LANES = (f"cluster and {PROJECT}", f"cluster and not {PROJECT}")
# It starts clusters, and so comes before there is one.
FIRST = "tests/cluster/test_a_start.py"
# What breaks the cluster itself fails every test after it, each of them after minutes of waiting.
MOST_FAILURES = 10
# Tests of each lane whose times are told.
SLOWEST = 15
# Says that the cluster is up and has the project's images, so that no lane needs to see to it.
READY = "PARLEY_CLUSTER_READY"


@contextmanager
def ready(environ: Mapping[str, str]) -> Iterator[Cluster]:
    """The cluster, with the images of the embedded overlay. Raises NotUsable for another's."""
    with harness.running(environ) as cluster:
        if READY not in environ:
            if cluster.own and not prefix():
                harness.load_project(images.EMBEDDED, environ)
            else:
                foreign.check_images(cluster.kubectl)
        yield cluster


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """The first status of a pytest that did not pass; 1 and 3 where there is no cluster."""
    if not environ.get("KUBECONFIG"):
        status = subprocess.run([*_pytest("cluster"), FIRST], env=environ).returncode
        if status:
            return status
    try:
        with ready(environ):
            return _run_lanes(argv or ["tests/cluster"], {**environ, READY: "yes"})
    except foreign.NotUsable as err:
        print(f"the tests cannot run on that cluster: {err}", file=sys.stderr)
        return 3
    except harness.FAILURES as err:
        print(err, file=sys.stderr)
        return 1


def _run_lanes(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """What the shorter lane says follows when both have ended."""
    options = (f"--ignore={FIRST}", f"--maxfail={MOST_FAILURES}", f"--durations={SLOWEST}", *argv)
    long, short = ([*_pytest(lane), *options] for lane in LANES)
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(short, env=environ, stdout=said, stderr=subprocess.STDOUT) as second,
        subprocess.Popen(long, env=environ) as first,
    ):
        statuses = [_end_of(lane) for lane in (first, second)]
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout)
    return join_statuses(*statuses)


def _end_of(lane: subprocess.Popen[bytes]) -> int:
    """Ctrl-C reaches the lane, too, which then says what failed so far and ends by itself."""
    while True:
        try:
            return lane.wait()
        except KeyboardInterrupt:
            continue


def join_statuses(*lanes: int) -> int:
    """One lane may hold nothing of what was asked for, which pytest calls a failure; not both."""
    nothing = int(ExitCode.NO_TESTS_COLLECTED)
    failed = [status for status in lanes if status not in (0, nothing)]
    return failed[0] if failed else min(lanes)


def _pytest(lane: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-m", lane]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
