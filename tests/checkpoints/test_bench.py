"""The bench runs whole, with tiny weights and without the peers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.contenders import OWN
from tests.benchmarks.plan import GROWTH
from tests.benchmarks.report import TABLE
from tests.benchmarks.results import FILE, read
from tests.conformance.bench import leave_out
from tests.network import find_namespace

SECONDS = 600.0


def test_a_quick_run_measures_everything_of_our_own(tmp_path: Path):
    if find_namespace("--pid", "--fork") is None:
        leave_out("no namespaces of network and processes can be made here", os.environ)
    command = [sys.executable, "-m", "tests.benchmarks.bench", "--quick", "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=SECONDS)
    results = read(tmp_path / FILE)
    assert results.failures == {}
    assert {start.system for start in results.starts} == set(OWN)
    for each in results.rows:
        # Far past saturation a translator may refuse, and the answer is then not whole.
        assert each.answers and (each.row.part == GROWTH or not each.failed), each
    assert results.limits and results.limits.shares
    assert results.profile or results.no_profile
    assert "## What is wanted" in (tmp_path / TABLE).read_text()


def test_both_engines_say_the_same_where_there_is_no_gpu_either(tmp_path: Path):
    options = ["--size", "tiny", "--batches", "1,2", "--seconds", "0.1", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "tests.benchmarks.gpu", *options]
    subprocess.run(command, check=True, timeout=SECONDS)
    assert "| 2 |" in (tmp_path / "gpu.md").read_text()
