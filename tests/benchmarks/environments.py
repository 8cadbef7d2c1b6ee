"""The environments of the peers: one for each, with pinned and hashed packages, made once.

They lie in `$PARLEY_CACHE/bench`, and one whose requirements have changed takes the place of the
old one. Those that share a package share its files on the disk.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from predictors.models.cache import lock
from tests.tools.binaries import cache_folder

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
INSTALL_SECONDS = 900
_WHOLE = "installed"


class NotInstalled(Exception):
    """An environment could not be made; one line."""


@dataclass(frozen=True)
class Peer:
    """name: of its requirements, `bench-NAME.txt`.  package: whose version stands in the results.

    missing: why there is no such environment anywhere.
    """

    name: str
    package: str
    missing: str = ""


PEERS = (
    Peer("ray", "ray"),
    Peer("bentoml", "bentoml"),
    Peer("litserve", "litserve"),
    Peer("argos", "argostranslate"),
    Peer(
        "kserve-huggingface",
        "huggingfaceserver",
        "the package index has no huggingfaceserver; KServe gives it out as an image only",
    ),
)


def environment(peer: Peer, environ: Mapping[str, str] = os.environ) -> Path:
    """The Python of a peer's environment, which is made if it is missing. Raises NotInstalled."""
    if peer.missing:
        raise NotInstalled(peer.missing)
    requirements = REQUIREMENTS / f"bench-{peer.name}.txt"
    root = cache_folder(environ) / "bench" / "environments"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = root / f"{peer.name}-{digest}"
    with lock(root, peer.name):
        if not (folder / _WHOLE).exists():
            for old in root.glob(f"{peer.name}-*"):
                shutil.rmtree(old)
            _make(folder, requirements)
    return folder / "bin" / "python"


def _make(folder: Path, requirements: Path) -> None:
    print(f"installing {requirements.name}", file=sys.stderr)
    # Its programs name their folder, so it cannot be made elsewhere and moved; the mark says that
    # it is whole.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        uv = [sys.executable, "-m", "uv"]
        _run([*uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)])
        python = str(folder / "bin" / "python")
        install = ["pip", "install", "-q", "--python", python, "--require-hashes"]
        _run([*uv, *install, "-r", str(requirements)])
        (folder / _WHOLE).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as err:
        raise NotInstalled(f"not installed within {INSTALL_SECONDS} s") from err
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NotInstalled(f"cannot be installed: {(lines or ['no reason given'])[-1][:200]}")


def version_of(python: Path, package: str) -> str:
    """The version of a package in an environment."""
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    done = subprocess.run([str(python), "-c", code, package], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
