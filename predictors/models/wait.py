"""`python -m predictors.models.wait MODEL ...`: ends when the models' conversions are in the cache.

An init container runs it, so that a pod starts once the Job that fills the volume has made what
the pod serves; without it the pod would fail and be started again until then. It looks at names
and manifests only: the files are checked when the server opens them.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graph.errors import ModelError
from predictors.models.cache import cache_folder
from predictors.models.conversions import conversions
from predictors.models.reference import Reference, parse

PAUSE_SECONDS = 2.0


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    parser = argparse.ArgumentParser(prog="predictors.models.wait", description=__doc__)
    parser.add_argument("models", metavar="MODEL", nargs="+", help="hf:ID@REVISION")
    models = parser.parse_args(argv).models
    try:
        references = [parse(model) for model in models]
    except ModelError as err:
        print(f"predictors.models.wait: {err}", file=sys.stderr)
        return 2
    for reference in references:
        wait(reference, cache_folder("", environ), pause)
    return 0


def wait(reference: Reference, cache: Path, pause: Callable[[float], None]) -> None:
    """Return once the cache holds a conversion that this version of Parley can open."""
    said = False
    while not is_converted(reference, cache):
        if not said:
            print(f"waiting for {reference} in {cache}", file=sys.stderr, flush=True)
            said = True
        pause(PAUSE_SECONDS)


def is_converted(reference: Reference, cache: Path) -> bool:
    return any(
        each.manifest.is_current and each.manifest.source == str(reference)
        for each in conversions(cache)
    )


def _stop(signum: int, frame: object) -> None:
    sys.exit(128 + signum)


if __name__ == "__main__":
    # The first process of a container has no default that ends it.
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
