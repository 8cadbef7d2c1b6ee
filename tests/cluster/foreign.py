"""A cluster of somebody else's, by KUBECONFIG: its programs are on the PATH, its images elsewhere.

Nothing is built for it, and nothing of it is changed but the namespaces that the tests make.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from graph.cluster.connection import connect
from graph.cluster.doctor.model import Finding, Verdict
from graph.cluster.doctor.probe import probe_cluster
from graph.errors import ParleyError
from predictors.images import catalogue as images
from tests.cluster import image_prefix
from tests.cluster.kube import Kubectl
from tests.tools import binaries

_SPACE = "parley-images"


class NotUsable(Exception):
    """The tests cannot run on that cluster; the message is one line, with the fix."""


def find_kubectl(environ: Mapping[str, str]) -> Kubectl:
    """kubectl for the cluster of KUBECONFIG. Raises NotUsable."""
    program = find_program("kubectl", environ)
    if program is None:
        raise NotUsable("no kubectl on the PATH; install it, as the cluster's own version")
    return Kubectl(program, Path(environ["KUBECONFIG"]))


def find_program(name: str, environ: Mapping[str, str]) -> Path | None:
    """A program of the PATH, or one that is built already."""
    found = shutil.which(name, path=environ.get("PATH"))
    return Path(found) if found else binaries.cached(name, environ)


def check_images(kubectl: Kubectl) -> None:
    """Have each image of the embedded overlay pulled by a pod. Raises NotUsable."""
    names = [image_prefix.located(image.name) for image in images.EMBEDDED]
    kubectl("delete", "namespace", _SPACE, "--ignore-not-found", timeout=180)
    kubectl("create", "namespace", _SPACE)
    try:
        with connect(namespace=_SPACE, kubeconfig=str(kubectl.kubeconfig)) as connected:
            found = list(probe_cluster(connected, names))
    except ParleyError as err:
        raise NotUsable(f"the images cannot be tried: {err}") from err
    finally:
        kubectl("delete", "namespace", _SPACE, "--wait=false")
    missing = [each for each in found if each.check.startswith("image ") and not _is_there(each)]
    if missing:
        told = "; ".join(f"{each.check} {each.found}" for each in missing)
        fixes = "; ".join(sorted({each.fix for each in missing}))
        raise NotUsable(f"{told}. Fix: {fixes}. {_advice()}")


def _is_there(finding: Finding) -> bool:
    return finding.verdict is Verdict.OK


def _advice() -> str:
    prefix = image_prefix.prefix()
    if prefix:
        return f"`make images PUSH={prefix}` pushes them"
    return (
        "`make images PUSH=registry.example.com/parley` pushes them to a registry, and "
        "IMAGE_PREFIX=registry.example.com/parley takes them from there"
    )
