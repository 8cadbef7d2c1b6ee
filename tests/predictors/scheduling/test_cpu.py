"""Threads follow the container's CPU limit, not the host's core count."""

import os
from pathlib import Path

import pytest

from predictors.scheduling.cpu import cpu_limit, has_int8_products


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "max 100000\n"}, 8),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "150000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "10000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "6400000 100000\n"}, 8),
        # The pod's own group has no limit, the one above it has.
        (
            {
                "proc/self/cgroup": "0::/pods/a/b\n",
                f"{V2}/pods/a/b/cpu.max": "max 100000",
                f"{V2}/pods/a/cpu.max": "300000 100000",
                f"{V2}/pods/cpu.max": "400000 100000",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/docker/a\n",
                f"{V1}/cpu.cfs_quota_us": "400000",
                f"{V1}/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/docker/a\n",
                f"{V1}/docker/a/cpu.cfs_quota_us": "-1",
                f"{V1}/docker/a/cpu.cfs_period_us": "100000",
            },
            8,
        ),
    ],
)
def test_the_nearest_limit_holds(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    assert cpu_limit(write(tmp_path, files)) == expected


def test_a_true_machine_has_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= cpu_limit() <= 8


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fma avx512_vnni", True), ("avx_vnni", True), ("avx2 avx512f", False)],
)
def test_int8_products_are_found_among_the_flags(
    tmp_path: Path, flags: str, expected: bool
) -> None:
    root = write(tmp_path, {"proc/cpuinfo": f"processor\t: 0\nflags\t\t: {flags}\n" * 2})
    assert has_int8_products(root) is expected
    assert not has_int8_products(tmp_path / "elsewhere")
