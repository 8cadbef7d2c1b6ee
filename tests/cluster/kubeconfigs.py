"""Kubeconfigs for the cluster of the tests: of another account, or by way of a proxy."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.cluster.kube import Kubectl, until

# Every API server's certificate names it so.
_NAME = "kubernetes.default"
# By this right it is seen that a Role is known; nothing is of that kind.
_MARK = {"apiGroups": ["example.com"], "resources": ["marks"], "verbs": ["get"]}


def read(kubectl: Kubectl) -> dict[str, Any]:
    """The one context in use, with its certificates inside."""
    found: dict[str, Any] = yaml.safe_load(
        kubectl("config", "view", "--minify", "--raw", "--flatten", "-o", "yaml")
    )
    return found


def address(kubectl: Kubectl) -> tuple[str, int]:
    """Host and port of the API server."""
    url = urlsplit(read(kubectl)["clusters"][0]["cluster"]["server"])
    return str(url.hostname), url.port or 443


def through(kubectl: Kubectl, port: int, folder: Path) -> str:
    """A file that reaches the API server by a port of this machine."""
    config = copy.deepcopy(read(kubectl))
    config["clusters"][0]["cluster"] |= {
        "server": f"https://127.0.0.1:{port}",
        "tls-server-name": _NAME,
    }
    return _write(config, folder / "through-a-proxy.yaml")


def of_account(kubectl: Kubectl, namespace: str, rules: list[dict[str, Any]], folder: Path) -> str:
    """A file of a ServiceAccount that is made here, with a Role of these rules in its namespace."""
    name = f"limited-{len(list(folder.iterdir()))}"
    where = {"name": name, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": where, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": where,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", **where}],
    }
    role["rules"] = [*rules, _MARK]
    kubectl.apply(yaml.safe_dump_all([account, role, binding]))
    # The API server learns of a Role a moment after it has stored it.
    who = f"system:serviceaccount:{namespace}:{name}"
    until(partial(_is_known, kubectl, namespace, who), f"the rights of {who}", 10)
    config = copy.deepcopy(read(kubectl))
    token = kubectl("create", "token", name, "-n", namespace).strip()
    config["users"][0]["user"] = {"token": token}
    return _write(config, folder / f"{name}.yaml")


def _is_known(kubectl: Kubectl, namespace: str, user: str) -> bool:
    attributes = {"namespace": namespace, "group": "example.com", "resource": "marks"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes | {"verb": "get"}},
    }
    told = kubectl("create", "-f", "-", "-o", "json", stdin=yaml.safe_dump(review))
    return bool(yaml.safe_load(told)["status"]["allowed"])


def _write(config: dict[str, Any], path: Path) -> str:
    path.write_text(yaml.safe_dump(config))
    return str(path)
