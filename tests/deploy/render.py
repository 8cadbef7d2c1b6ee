"""`make render`: the embedded overlay as one file, for the local runner and `kubectl apply -f`."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.deploy.conftest import MANIFESTS, built_command, kustomize_command

RENDERED = {"overlays/embedded": "embedded.yaml", "translator": "translator.yaml"}
HEADER = "# {} rendered by `make render`; do not edit. A test compares the two.\n"


def main() -> int:
    """Write the rendered files."""
    command = kustomize_command(os.environ) or built_command(os.environ)
    for folder, file in RENDERED.items():
        done = subprocess.run(
            [*command, str(MANIFESTS / folder)], capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        (MANIFESTS / file).write_text(HEADER.format(folder) + done.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
