"""What a run was made on: the machine, and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.environments import PEERS, version_of
from tests.benchmarks.systems import ROOT
from tests.tools.programs import KSERVE

# Of this environment; the peers' are in their own.
_PACKAGES = ("ctranslate2", "kserve", "torch", "transformers", "uvicorn")


def machine() -> dict[str, str]:
    """In the words of /proc, by what it is."""
    processor = Path("/proc/cpuinfo").read_text()
    memory = Path("/proc/meminfo").read_text()
    flags = set(_after(processor, "flags").split())
    known = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
    return {
        "processor": _after(processor, "model name"),
        "cores": str(os.cpu_count()),
        "vectors": " ".join(name for name in known if name in flags),
        "cache": _after(processor, "cache size"),
        "memory": f"{int(_after(memory, 'MemTotal').split()[0]) / (1 << 20):.0f} GiB",
        "kernel": platform.release(),
        "virtual": "yes" if "hypervisor" in flags else "no",
    }


def versions(peers: dict[str, Path]) -> dict[str, str]:
    """peers: the Pythons of those that are measured."""
    found = {"parley": _commit(), "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for peer in PEERS:
        if peer.name in peers:
            found[peer.package] = version_of(peers[peer.name], peer.package)
    found["KServe's router"] = KSERVE
    return found


def load_of_others() -> str:
    """The machine's load before anything is started."""
    return " ".join(f"{each:.2f}" for each in os.getloadavg())


def _after(text: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def _commit() -> str:
    """Of the bench's own tree, with a plus where something is not committed."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"
