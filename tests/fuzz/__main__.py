"""`python -m tests.fuzz --seconds 600`: the tests of this folder, again and again, ever new.

It ends with 1 at the first failure, whose seed pytest prints.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.effort import LONG


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="no run begins later")
    end = time.monotonic() + parser.parse_args().seconds
    runs = 0
    while time.monotonic() < end or not runs:
        runs += 1
        seed = secrets.randbelow(1 << 32)
        print(f"run {runs}, --hypothesis-seed={seed}", flush=True)
        if subprocess.run([*_PYTEST, f"--hypothesis-seed={seed}"]).returncode:
            return 1
    print(f"{runs} runs, nothing found")
    return 0


_PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "-x", str(Path(__file__).parent)),
    f"--hypothesis-profile={LONG}",
]

if __name__ == "__main__":
    sys.exit(main())
