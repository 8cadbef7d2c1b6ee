"""What a chart user installs before the project: DNS, the gateway and KServe, from their charts.

Charts and CRDs lie in the Go modules that the programs were built from, so that code and objects
are of one version. Nothing is fetched while this runs.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kube import Kubectl, KubectlError, condition, until
from tests.cluster.system_images import GATEWAY_IMAGE
from tests.tools import binaries, programs

Object = dict[str, Any]
FILES = Path(__file__).parent / "files"
GATEWAY_NAMESPACE = "envoy-gateway-system"
WEBHOOK = "kserve-webhook-server-service.kserve.svc"
WEBHOOK_SECRET = "kserve-webhook-server-cert"


class ChartError(Exception):
    """A chart does not render; the message is helm's."""


@dataclass(frozen=True)
class Charts:
    """helm: the program.  kserve, gateway: folders of the modules' sources."""

    helm: Path
    kserve: Path
    gateway: Path

    def render(self, chart: Path, name: str, namespace: str, *options: str) -> list[Object]:
        """The objects of a chart. Raises ChartError."""
        command = [str(self.helm), "template", name, str(chart), f"--namespace={namespace}"]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=120, cwd=chart
        )
        if done.returncode:
            raise ChartError(f"{chart.name}: {done.stderr.strip()[-2000:]}")
        return [item for item in yaml.load_all(done.stdout, _LOADER) if item]


# The CRDs hold megabytes: the loader in C reads them ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def charts(helm: Path, environ: Mapping[str, str]) -> Charts:
    kserve = binaries.module_folder("github.com/kserve/kserve", programs.KSERVE, environ)
    gateway = binaries.module_folder(
        "github.com/envoyproxy/gateway", programs.ENVOY_GATEWAY, environ
    )
    return Charts(helm, kserve / "charts", gateway / "charts" / "gateway-helm")


def install(kubectl: Kubectl, charts: Charts) -> None:
    """Install everything and wait until it works. Raises KubectlError, ChartError, TimeoutError."""
    kubectl.apply((FILES / "coredns.yaml").read_text())
    for namespace in (GATEWAY_NAMESPACE, "kserve"):
        kubectl.apply(yaml.safe_dump(_named("v1", "Namespace", namespace)))
    with ThreadPoolExecutor() as pool:
        rendered = pool.map(lambda render: render(charts), (gateway_objects, kserve_objects))
        objects = [item for items in rendered for item in items]
    crds = [item for item in objects if item["kind"] == "CustomResourceDefinition"]
    kubectl.apply(_dump(crds))
    kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")
    kubectl.apply(_dump([item for item in objects if item not in crds and _waits(item) is False]))
    kubectl.wait("deployment/coredns", "condition=Available", "kube-system")
    kubectl.wait("deployment/envoy-gateway", "condition=Available", GATEWAY_NAMESPACE)
    kubectl.apply((FILES / "gateway.yaml").read_text())
    kubectl.wait("deployment/kserve-controller-manager", "condition=Available", "kserve")
    # What passes KServe's webhooks, once they answer.
    later = [item for item in objects if _waits(item)]
    until(_done(lambda: kubectl.apply(_dump(later))), "KServe's webhooks", 60)
    until(lambda: gateway_accepts(kubectl), "the gateway", 90)


def gateway_objects(charts: Charts) -> list[Object]:
    """Envoy Gateway, with the experimental Gateway API that its chart carries."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "gateway-helm"
        shutil.copytree(charts.gateway, chart, copy_function=shutil.copyfile)
        for inner in (chart, *chart.rglob("*")):
            inner.chmod(0o755)
        values = (chart / "values.tmpl.yaml").read_text()
        values = values.replace("${GatewayImage}", GATEWAY_IMAGE)
        values = values.replace("${GatewayImagePullPolicy}", "IfNotPresent")
        (chart / "values.yaml").write_text(values)
        manager = "config.envoyGateway.provider.kubernetes.shutdownManager.image"
        return charts.render(
            chart,
            "eg",
            GATEWAY_NAMESPACE,
            "--include-crds",
            "--set=crds.gatewayAPI.safeUpgradePolicy.enabled=false",
            f"--set={manager}={GATEWAY_IMAGE}",
        )


def kserve_objects(charts: Charts) -> list[Object]:
    """KServe on plain Deployments and the Gateway API; its certificate is made here."""
    settings = {
        "deploymentMode": "Standard",
        "imagePullPolicy": "IfNotPresent",
        "gateway.disableIstioVirtualHost": "true",
        "gateway.ingressGateway.enableGatewayApi": "true",
        "gateway.ingressGateway.kserveGateway": "kserve/kserve-ingress-gateway",
        # At the chart's tenth of a CPU the controller needs half a minute to start.
        "resources.limits.cpu": "2",
    }
    options = [f"--set=kserve.controller.{key}={value}" for key, value in settings.items()]
    objects = [
        *charts.render(charts.kserve / "kserve-crd", "kserve-crd", "kserve"),
        *charts.render(charts.kserve / "kserve-resources", "kserve", "kserve", *options),
    ]
    authority, secret = _certificate()
    kept = [item for item in objects if not item["apiVersion"].startswith("cert-manager.io")]
    for item in kept:
        for webhook in item.get("webhooks", ()):
            webhook["clientConfig"]["caBundle"] = authority
        if item["kind"] == "Deployment":
            _trim_controller(item)
    return [*kept, secret]


def gateway_accepts(kubectl: Kubectl) -> bool:
    gateway = kubectl.get("gateway", "kserve-ingress-gateway", "kserve")
    return condition(gateway, "Programmed") == "True"


def _trim_controller(deployment: Object) -> None:
    """Leave out the metrics' sidecar, whose image is not built here, and the long first wait."""
    spec = deployment["spec"]["template"]["spec"]
    spec["containers"] = [c for c in spec["containers"] if c["name"] == "manager"]
    (manager,) = spec["containers"]
    manager["readinessProbe"] |= {"initialDelaySeconds": 1, "periodSeconds": 1}
    manager["args"] = [arg for arg in manager["args"] if arg != "--leader-elect"]


def _certificate() -> tuple[str, Object]:
    """The webhooks' authority, and the Secret with their certificate."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder) / "tls.key", Path(folder) / "tls.crt"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        names = ["-subj", f"/CN={WEBHOOK}", "-addext", f"subjectAltName=DNS:{WEBHOOK}"]
        subprocess.run([*request, *files, *names], check=True, capture_output=True, timeout=60)
        data = {path.name: _base64(path.read_bytes()) for path in (key, certificate)}
    secret = _named("v1", "Secret", WEBHOOK_SECRET, "kserve")
    return data["tls.crt"], secret | {"type": "kubernetes.io/tls", "data": data}


def _waits(item: Object) -> bool:
    """Objects of KServe's own kinds pass its webhooks."""
    return str(item["apiVersion"]).startswith("serving.kserve.io/")


def _done(action: Callable[[], None]) -> Callable[[], bool]:
    def attempt() -> bool:
        try:
            action()
        except KubectlError:
            return False
        return True

    return attempt


def _named(version: str, kind: str, name: str, namespace: str = "") -> Object:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **where}}


def _dump(objects: list[Object]) -> str:
    return yaml.dump_all(objects, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
