"""Small objects for tests of what is applied, which need nothing of the node."""

from __future__ import annotations

from typing import Any

from tests.cluster import strangers

Object = dict[str, Any]
# No node has it, so that a pod with this selector stays without one, and is gone at once.
NOWHERE = {"none": "such"}


def config_map(name: str, *, finalizers: tuple[str, ...] = (), **data: str) -> Object:
    metadata = {"name": name, "finalizers": list(finalizers)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def idle(name: str, **predictor: Any) -> Object:
    """An InferenceService whose pods never run."""
    return strangers.service(name, nodeSelector=NOWHERE, **predictor)


def job(name: str, argument: str) -> Object:
    container = {"name": "work", "image": "none:1", "args": [argument]}
    pod = {"containers": [container], "restartPolicy": "Never", "nodeSelector": NOWHERE}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": pod}},
    }


def namespace(name: str) -> Object:
    metadata = {"name": name, "labels": {"made-for": "a-test"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def claim(name: str) -> Object:
    """A claim that no volume ever fills."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "none-such",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def secret(name: str, value: str) -> Object:
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"v": value}}


def policy(namespace: str) -> list[Object]:
    """An admission policy that allows everything, and its binding to a namespace."""
    group = "admissionregistration.k8s.io/v1"
    metadata = {"name": namespace}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    allowing: Object = {
        "matchConstraints": {"resourceRules": [rule | {"operations": ["CREATE"]}]},
        "validations": [{"expression": "true"}],
    }
    binding: Object = {
        "policyName": namespace,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": selector},
    }
    kind = "ValidatingAdmissionPolicy"
    return [
        {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": allowing},
        {"apiVersion": group, "kind": f"{kind}Binding", "metadata": metadata, "spec": binding},
    ]
