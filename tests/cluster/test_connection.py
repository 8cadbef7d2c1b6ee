"""Which cluster is connected to, as whom: contexts, several files, tokens, and a pod's account."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.cluster.connection import connect
from graph.errors import Unauthorized, Unreachable
from tests.cluster import kubeconfigs, strangers
from tests.cluster.deployment import MANIFESTS
from tests.cluster.harness import Cluster
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster
CODE = MANIFESTS.parent / "graph" / "cluster"
# It sees its own namespace, and no cluster is named to it.
PROGRAM = """
from graph.cluster.connection import connect
with connect() as here:
    maps = here.resource("v1", "ConfigMap").get(namespace=here.namespace)
    print(here.namespace, repr(here.context), len(maps.items) > 0)
"""


@pytest.fixture
def config(cluster: Cluster) -> dict[str, Any]:
    """The kubeconfig of the tests' cluster, with one context, `plain`."""
    found = kubeconfigs.read(cluster.kubectl)
    found["contexts"][0]["name"] = found["current-context"] = "plain"
    found["contexts"][0]["context"].pop("namespace", None)
    return found


def write(path: Path, content: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_the_context_says_the_cluster_and_the_namespace(
    config: dict[str, Any], tmp_path: Path
) -> None:
    team = copy.deepcopy(config["contexts"][0])
    team["name"], team["context"]["namespace"] = "team", "blue"
    config["contexts"].append(team)
    file = write(tmp_path / "config", config)
    with connect(kubeconfig=file) as here:
        assert (here.context, here.namespace, here.pinned) == ("plain", "default", False)
    with connect("team", kubeconfig=file) as here:
        assert (here.context, here.namespace, here.pinned) == ("team", "blue", False)
    with connect("team", "red", environ={"KUBECONFIG": file}) as here:
        assert (here.context, here.namespace, here.pinned) == ("team", "red", True)
        assert here.server == config["clusters"][0]["cluster"]["server"]


def test_of_several_files_the_first_wins(config: dict[str, Any], tmp_path: Path) -> None:
    other = copy.deepcopy(config)
    other["current-context"] = other["contexts"][0]["name"] = "other"
    other["clusters"][0] = {"name": "gone", "cluster": {"server": "http://127.0.0.1:1"}}
    other["contexts"][0]["context"]["cluster"] = "gone"
    files = tmp_path / "none", tmp_path / "first", tmp_path / "second"
    write(files[1], config)
    write(files[2], other)
    environ = {"KUBECONFIG": ":".join(map(str, files))}
    with connect(environ=environ) as here:
        assert here.context == "plain"
    with pytest.raises(Unreachable, match="127.0.0.1:1"):
        connect("other", environ=environ)


def test_a_token_that_the_server_does_not_know_is_told(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["users"][0]["user"] = {"token": "long-expired"}
    file = write(tmp_path / "config", config)
    with pytest.raises(Unauthorized, match="does not know who asks; the token may be expired"):
        connect(kubeconfig=file)


def test_a_certificate_that_is_not_trusted_is_told(config: dict[str, Any], tmp_path: Path) -> None:
    config["clusters"][0]["cluster"].pop("certificate-authority-data", None)
    config["clusters"][0]["cluster"].pop("insecure-skip-tls-verify", None)
    file = write(tmp_path / "config", config)
    with pytest.raises(Unreachable, match="no trusted connection: .*certificate"):
        connect(kubeconfig=file)


def test_a_pod_connects_as_its_own_account(cluster: Cluster, space: str, tmp_path: Path) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    account = Path(kubeconfigs.of_account(cluster.kubectl, space, rules, tmp_path)).stem
    # The image has no code for clusters, so it is given to the pod.
    code = [CODE / name for name in ("__init__.py", "connection.py", "failures.py")]
    files = [f"--from-file={file}" for file in code]
    cluster.kubectl("create", "configmap", "code", "-n", space, *files)
    strangers.put(cluster.kubectl, space, pod(account))
    until(lambda: phase(cluster, space) in ("Succeeded", "Failed"), "the end of the pod", 60)
    said = cluster.kubectl("logs", "asks", "-n", space)
    assert said.splitlines() == [f"{space} '' True"]


def phase(cluster: Cluster, space: str) -> str:
    return str(cluster.kubectl.get("pod", "asks", space)["status"].get("phase"))


def pod(account: str) -> dict[str, Any]:
    container = {
        "name": "asks",
        "image": "parley-detector:0.1.0",
        "command": ["python", "-c", PROGRAM],
        "volumeMounts": [{"name": "code", "mountPath": "/opt/parley/graph/cluster"}],
    }
    spec = {
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "code", "configMap": {"name": "code"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asks"}, "spec": spec}
