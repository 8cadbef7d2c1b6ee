"""KEDA, and of its HTTP Add-on the interceptor and the scaler: they bring pods back from none.

KEDA's own server of metrics is left out: it is asked about the second pod and those after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import harness, parts
from tests.cluster.harness import Cluster
from tests.cluster.kube import Kubectl
from tests.cluster.parts import Object
from tests.cluster.system_images import ProgramImage
from tests.tools import binaries
from tests.tools.programs import KEDA, KEDA_HTTP

NAMESPACE = "keda"
OPERATOR = ProgramImage(f"ghcr.io/kedacore/keda:{KEDA}", "keda", "/keda")
INTERCEPTOR = ProgramImage(
    f"ghcr.io/kedacore/http-add-on-interceptor:{KEDA_HTTP}", "keda-interceptor", "/interceptor"
)
SCALER = ProgramImage(f"ghcr.io/kedacore/http-add-on-scaler:{KEDA_HTTP}", "keda-scaler", "/scaler")
_HTTP = "keda-add-ons-http"
# By the Deployment that runs it.
_HTTP_IMAGES = {f"{_HTTP}-interceptor": INTERCEPTOR, f"{_HTTP}-scaler": SCALER}


@contextmanager
def installed(cluster: Cluster, environ: Mapping[str, str]) -> Iterator[None]:
    """A cluster with KEDA and its HTTP Add-on. What was there before stays."""
    kubectl = cluster.kubectl
    if kubectl.exists("crd", "httpscaledobjects.http.keda.sh", ""):
        yield
        return
    if not cluster.own:
        pytest.skip("needs KEDA's HTTP Add-on, which only a cluster of the harness's own is given")
    if binaries.cached(OPERATOR.program, environ) is None:
        # Its clients of every cloud take longer to build than all other programs together.
        pytest.skip("needs KEDA's operator: `python -m tests.tools.binaries keda` builds it once")
    harness.load_parts([OPERATOR, INTERCEPTOR, SCALER], environ)
    with parts.installed(kubectl, [*_keda(kubectl, environ), *_http(kubectl, environ)]):
        for deployment in ("keda-operator", *_HTTP_IMAGES):
            kubectl.wait(f"deployment/{deployment}", "condition=Available", NAMESPACE)
        yield


def _keda(kubectl: Kubectl, environ: Mapping[str, str]) -> list[Object]:
    config = _config("github.com/kedacore/keda/v2", KEDA, environ)
    folders = ("general", "crd", "service_account", "rbac", "manager")
    objects = [item for name in folders for item in parts.render(kubectl, config / name)]
    container = parts.run_image(objects, "keda-operator", OPERATOR)
    container["args"] = [
        *(arg for arg in container["args"] if arg != "--leader-elect"),
        "--enable-webhook-patching=false",
        "--enable-apiservice-patching=false",
    ]
    return objects


def _http(kubectl: Kubectl, environ: Mapping[str, str]) -> list[Object]:
    config = _config("github.com/kedacore/http-add-on", KEDA_HTTP, environ)
    objects = [
        item
        for item in parts.render(kubectl, config / "default")
        # The operator makes ScaledObjects of those who write none, and one scales the interceptor.
        if item["kind"] != "ScaledObject" and f"{_HTTP}-operator" not in item["metadata"]["name"]
    ]
    for deployment, image in _HTTP_IMAGES.items():
        parts.run_image(objects, deployment, image)
    return objects


def _config(module: str, version: str, environ: Mapping[str, str]) -> Path:
    return binaries.module_folder(module, version, environ) / "config"
