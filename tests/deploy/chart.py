"""The chart rendered by Helm, and the ways in which a chart cannot but differ from manifests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.rendered import Objects, only
from tests.tools import programs

CHART = Path(__file__).parents[2] / "helm" / "parley"
PROFILES = ("embedded", "cpu", "gpu", "gpu-claims", "gpu-shared", "openai")
# Helm built without its release flags takes the cluster for a very old one.
KUBERNETES = programs.KUBERNETES[programs.DEFAULT_MINOR].removeprefix("v")
# What a cluster with KServe and the Gateway API says of itself, and only a cluster does.
CLUSTER_APIS = (
    "apiregistration.k8s.io/v1",
    "serving.kserve.io/v1beta1/InferenceService",
    "serving.kserve.io/v1alpha1/InferenceGraph",
    "gateway.networking.k8s.io/v1/HTTPRoute",
)


class Refused(Exception):
    """Helm refuses the values; the message is what it says."""


@dataclass(frozen=True)
class Chart:
    """Renders the chart with one Helm. path: the chart, or a copy of it."""

    helm: Path
    path: Path = CHART

    def text(
        self,
        *files: str | Path,
        values: Mapping[str, Any] | None = None,
        release: str = "parley",
        namespace: str = "parley",
        apis: Sequence[str] = (),
        kubernetes: str = KUBERNETES,
        ask_cluster: bool = False,
    ) -> str:
        """What `helm template` prints, with values files and then `values`. Raises Refused.

        ask_cluster: whether the templates may look at the objects of KUBECONFIG's cluster.
        """
        command = [str(self.helm), "template", release, str(self.path), "-n", namespace]
        command += [f"--kube-version={kubernetes}", *(f"--api-versions={api}" for api in apis)]
        command += [f"--values={self._file(file)}" for file in files] + ["--values=-"]
        if ask_cluster:
            command.append("--dry-run=server")
        done = subprocess.run(
            command, input=json.dumps(values or {}), capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout

    def render(self, *files: str | Path, **arguments: Any) -> Objects:
        """The objects of the render, without those of `helm test`."""
        documents = yaml.safe_load_all(self.text(*files, **arguments))
        return [item for item in documents if item and not is_hook(item)]

    def _file(self, file: str | Path) -> Path:
        return file if isinstance(file, Path) else self.path / "profiles" / f"{file}.yaml"


def is_hook(item: Mapping[str, Any]) -> bool:
    return "helm.sh/hook" in item["metadata"].get("annotations", {})


def by_name(objects: Objects) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects by kind and name."""
    found = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    assert len(found) == len(objects), "two objects of one kind and name"
    return found


def kinds(objects: Objects) -> set[str]:
    return {item["kind"] for item in objects}


def find(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    return by_name(objects)[kind, name]


def predictor(objects: Objects, name: str) -> dict[str, Any]:
    """The pod part of an InferenceService."""
    spec: dict[str, Any] = find(objects, "InferenceService", name)["spec"]["predictor"]
    return spec


def container(objects: Objects, name: str) -> dict[str, Any]:
    first: dict[str, Any] = predictor(objects, name)["containers"][0]
    return first


def graph(objects: Objects) -> dict[str, Any]:
    """The nodes of the only graph."""
    nodes: dict[str, Any] = only(objects, "InferenceGraph")["spec"]["nodes"]
    return nodes


def called(node: dict[str, Any]) -> list[str]:
    """What the steps of a node call, services or nodes."""
    return [step.get("serviceName") or step["nodeName"] for step in node["steps"]]


def policy(objects: Objects, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = find(objects, "NetworkPolicy", f"parley-{name}")["spec"]
    return spec


def environ(part: dict[str, Any]) -> dict[str, Any]:
    """The variables of a container."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in part["env"]}


def job(objects: Objects) -> dict[str, Any]:
    """The container of the Job."""
    (first,) = only(objects, "Job")["spec"]["template"]["spec"]["containers"]
    return dict(first)
