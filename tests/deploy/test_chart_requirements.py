"""What a cluster lacks is said at render time."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.chart import CLUSTER_APIS, KUBERNETES, Chart, Refused

CRDS = "customresourcedefinitions"
GRAPH_CRD = "inferencegraphs.serving.kserve.io"
CHECKED = {"kserve": {"checkGraphCRD": True}}


def test_a_cluster_with_all_that_is_needed_is_taken(chart: Chart) -> None:
    assert chart.render(apis=CLUSTER_APIS)


@pytest.mark.parametrize(
    ("missing", "values", "sentence"),
    [
        ("InferenceGraph", {}, "this cluster has no KServe"),
        ("HTTPRoute", {}, "httpRoute.enabled: this cluster has no Gateway API"),
        (
            "PodMonitor",
            {"metrics": {"podMonitor": {"enabled": True}}},
            "metrics.podMonitor.enabled: .*operator",
        ),
        (
            "PrometheusRule",
            {"metrics": {"rules": {"enabled": True}}},
            "metrics.rules.enabled: .*operator",
        ),
        (
            "BackendTrafficPolicy",
            {"maxBodyBytes": 9, "tls": {"existingSecret": "a"}},
            "maxBodyBytes, tls.existingSecret: this cluster has no Envoy Gateway",
        ),
        (
            "LocalModelNamespaceCache",
            {"weights": {"nodeCache": {"nodeGroups": ["a"]}}},
            "weights.nodeCache.nodeGroups: KServe's local models are not installed",
        ),
        (
            "ResourceClaimTemplate",
            {"predictors": {"accelerator": {"resourceName": "", "deviceClassName": "gpu.a.com"}}},
            "accelerator.deviceClassName: this cluster has no dynamic resource allocation",
        ),
        (
            "ValidatingAdmissionPolicy",
            {"podSecurity": {"policy": True}},
            "podSecurity.policy: this cluster has no ValidatingAdmissionPolicy",
        ),
    ],
)
def test_what_a_cluster_lacks_is_said(
    missing: str, values: dict[str, Any], sentence: str, chart: Chart
) -> None:
    apis = [api for api in CLUSTER_APIS if not api.endswith(missing)]
    with pytest.raises(Refused, match=sentence):
        chart.render(values=values, apis=apis)


def test_without_a_cluster_nothing_is_asked_of_one(chart: Chart) -> None:
    assert chart.render(values={"metrics": {"podMonitor": {"enabled": True}}})


def test_an_old_kubernetes_is_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="requires kubeVersion: >=1.30"):
        chart.render(kubernetes="1.29.9")


# What the API server knows, group by group.
APIS = {
    "apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
    "apiregistration.k8s.io/v1": ["APIService"],
    "serving.kserve.io/v1alpha1": ["InferenceGraph"],
    "serving.kserve.io/v1beta1": ["InferenceService"],
    "gateway.networking.k8s.io/v1": ["HTTPRoute"],
}


def group(api: str) -> dict[str, Any]:
    name, _, version = api.partition("/")
    versions = [{"groupVersion": api, "version": version}]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(api: str, kinds: Sequence[str]) -> dict[str, Any]:
    resources = [
        {
            "name": f"{kind.lower()}s",
            "singularName": "",
            "kind": kind,
            "namespaced": kind != "CustomResourceDefinition",
            "verbs": ["get"],
        }
        for kind in kinds
    ]
    return {"kind": "APIResourceList", "groupVersion": api, "resources": resources}


class Cluster(ThreadingHTTPServer):
    """As much of an API server as a render asks: the one CRD, and that there are CRDs."""

    def __init__(self, step_fields: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        crd = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": GRAPH_CRD},
            "spec": {"properties": dict.fromkeys(step_fields, {})},
        }
        self.answers: dict[str, Any] = {
            "/version": {
                "major": "1",
                "minor": KUBERNETES.split(".")[1],
                "gitVersion": f"v{KUBERNETES}",
            },
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/api/v1": resource_list("v1", []),
            "/apis": {"kind": "APIGroupList", "groups": [group(api) for api in APIS]},
            f"/apis/apiextensions.k8s.io/v1/{CRDS}/{GRAPH_CRD}": crd,
        } | {f"/apis/{api}": resource_list(api, kinds) for api, kinds in APIS.items()}

    def kubeconfig(self, folder: Path) -> Path:
        """A file by which Helm finds it."""
        file = folder / "kubeconfig"
        server = f"http://127.0.0.1:{self.server_address[1]}"
        cluster = {"name": "a", "cluster": {"server": server}}
        context = {"name": "a", "context": {"cluster": "a", "user": "a"}}
        user = {"name": "a", "user": {}}
        config = {"clusters": [cluster], "contexts": [context], "users": [user]}
        kind = {"apiVersion": "v1", "kind": "Config", "current-context": "a"}
        file.write_text(json.dumps(kind | config))
        return file


class _Answer(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        found = self.server.answers.get(self.path.partition("?")[0])
        body = json.dumps(found or {"kind": "Status", "status": "Failure", "code": 404}).encode()
        self.send_response(200 if found else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: Helm's own words are what a test reads."""


@contextlib.contextmanager
def cluster_with(step_fields: Sequence[str]) -> Iterator[Cluster]:
    with Cluster(step_fields) as cluster:
        thread = threading.Thread(target=cluster.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield cluster
        finally:
            cluster.shutdown()
            thread.join()


def test_a_graph_that_would_lose_a_field_without_a_word_is_refused(
    either_helm: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster_with(["serviceName"]) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path)))
        with pytest.raises(Refused, match="InferenceGraph has no mapPredictionsToInstances"):
            either_helm.render(values=CHECKED, apis=CLUSTER_APIS, ask_cluster=True)


def test_a_graph_that_keeps_the_field_is_taken(
    chart: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Helm 3; Helm 4 asks a whole API server about every other object too."""
    with cluster_with(["serviceName", "mapPredictionsToInstances"]) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path)))
        assert chart.render(values=CHECKED, apis=CLUSTER_APIS, ask_cluster=True)
