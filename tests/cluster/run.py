"""`python -m tests.cluster.run [ARGUMENT ...]`: the tests on a cluster, in two lanes side by side.

A cluster mostly waits: all tests one after the other keep a fifth of two cores busy. What shares
the project's own namespace, its gateway or a registry is one lane (`conftest.py`); the modules that
work in namespaces of their own are the other. The arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from predictors.images import catalogue as images
from tests.cluster import foreign, harness
from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import prefix

PYTEST = [sys.executable, "-m", "pytest", "-m", "cluster"]
# It starts clusters, and so comes before there is one.
FIRST = "tests/cluster/test_a_start.py"
LANES = ["-n", "2", "--dist", "loadgroup"]
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
    """The status of the first pytest that did not pass; 1 and 3 where there is no cluster."""
    if not environ.get("KUBECONFIG"):
        status = subprocess.run([*PYTEST, FIRST], env=environ).returncode
        if status:
            return status
    try:
        with ready(environ):
            command = [*PYTEST, *LANES, f"--ignore={FIRST}", *(argv or ["tests/cluster"])]
            return subprocess.run(command, env={**environ, READY: "yes"}).returncode
    except foreign.NotUsable as err:
        print(f"the tests cannot run on that cluster: {err}", file=sys.stderr)
        return 3
    except harness.FAILURES as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
