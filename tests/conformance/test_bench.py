"""A comparison with KServe's router that cannot run is never counted as passed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPARISONS = (
    "test_cases.py::test_kserve_answers_as_expected",
    "test_generated.py::test_a_random_graph_answers_as_kserve_does",
    "test_differences.py::test_difference_no_status",
    "test_gjson.py::test_gjson_sorts_keys_where_ours_does_not",
)


@pytest.mark.parametrize(("ci", "outcome"), [("", "4 skipped"), ("1", "3 failed, 1 error")])
def test_without_go_a_comparison_is_skipped_by_name_and_fails_in_ci(
    ci: str, outcome: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"tests/conformance/{name}" for name in COMPARISONS]
    environ = os.environ | {"PATH": str(tmp_path), "PARLEY_CACHE": str(tmp_path), "CI": ci}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert f"\n{outcome} in " in done.stdout
    assert "no Go on this machine" in done.stdout
    assert done.returncode == (1 if ci else 0)
