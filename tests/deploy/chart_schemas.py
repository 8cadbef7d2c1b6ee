"""Schemas of every kind that the chart may render, without a cluster: from the Go modules.

Kubernetes publishes its own kinds in `api/openapi-spec/swagger.json`; KServe, the Gateway API,
Envoy Gateway and the Prometheus operator publish theirs as CRDs. `tests.cluster.schemas` makes
both strict.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import schemas
from tests.tools import programs
from tests.tools.binaries import module_folder

OBJECT_META = {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
TEXT = {"type": "string"}
# A module, its version, and the folder of its CRDs.
MODULES = (
    ("github.com/kserve/kserve", programs.KSERVE, "config/crd/full"),
    ("sigs.k8s.io/gateway-api", "v1.6.1", "config/crd/standard"),
    (
        "github.com/envoyproxy/gateway",
        programs.ENVOY_GATEWAY,
        "charts/gateway-helm/charts/crds/crds/generated",
    ),
    (
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        "example/prometheus-operator-crd",
    ),
)


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 has a type of its own for a lone `=`, which CRDs mean as a text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def write(
    folder: Path,
    kubernetes: str,
    environ: Mapping[str, str],
    modules: Iterable[tuple[str, str, str]] = MODULES,
) -> str:
    """Write the schemas; the template by which kubeconform finds them. Raises BuildError."""
    source = module_folder("k8s.io/kubernetes", f"v{kubernetes}", environ)
    document = json.loads((source / "api" / "openapi-spec" / "swagger.json").read_text())
    for module, version, crds in modules:
        for file in sorted((module_folder(module, version, environ) / crds).rglob("*.yaml")):
            for crd in yaml.load_all(file.read_text(), _Loader):
                if crd and "versions" in crd.get("spec", {}):
                    document["definitions"].update(_definitions(crd))
    return schemas.write(document, folder)


def _definitions(crd: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A definition for each version of a CRD, as a cluster's own document would have it."""
    spec = crd["spec"]
    for version in spec["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        # Some projects leave these three to the cluster.
        properties = schema.setdefault("properties", {})
        properties |= {"apiVersion": TEXT, "kind": TEXT, "metadata": OBJECT_META}
        kind = {"group": spec["group"], "version": version["name"], "kind": spec["names"]["kind"]}
        schema[schemas.KINDS] = [kind]
        yield f"{kind['group']}.{kind['version']}.{kind['kind']}", schema
