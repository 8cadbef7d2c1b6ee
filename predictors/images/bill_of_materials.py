"""What an image holds, as a CycloneDX file: the locked packages and weights that it is built from.

The list is that of the lock files, which the build installs with their hashes and nothing besides.
The system packages of the base image are not in it: their list is the base image's own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SECONDS = 120


class BillError(Exception):
    """The list could not be made; the message is the program's."""


def write_bill(target: Path, lock_files: Sequence[Path]) -> None:
    """Write one list. The same lock files make the same bytes. Raises BillError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as joined:
        joined.write("\n".join(file.read_text() for file in lock_files))
        joined.flush()
        command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
        done = subprocess.run(
            [*command, f"--output-file={target}", joined.name],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    if done.returncode:
        raise BillError(f"{target.name}: {done.stderr.strip()[-1000:]}; run `make .venv/dev`")
