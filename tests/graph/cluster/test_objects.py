"""What the commands for a cluster read: files, folders, stdin, dicts and objects of SDKs."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kserve import V1beta1InferenceService, V1beta1InferenceServiceSpec, V1beta1PredictorSpec
from kubernetes import client

from graph.cluster.objects import Ref, read_objects
from graph.errors import SpecError


def item(kind: str, name: str, api_version: str = "v1", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name} | metadata}


def service(name: str = "chat", **metadata: Any) -> dict[str, Any]:
    return item("InferenceService", name, "serving.kserve.io/v1beta1", **metadata)


def test_objects_come_in_the_order_in_which_they_need_each_other() -> None:
    mixed = [
        item("NetworkPolicy", "deny", "networking.k8s.io/v1"),
        item("HTTPRoute", "door", "gateway.networking.k8s.io/v1"),
        item("InferenceGraph", "graph", "serving.kserve.io/v1alpha1"),
        service("b"),
        service("a"),
        item("Job", "pull", "batch/v1"),
        item("PersistentVolumeClaim", "models"),
        item("Role", "reader", "rbac.authorization.k8s.io/v1"),
        item("ConfigMap", "settings"),
        item("Namespace", "parley"),
        item("Deployment", "redis", "apps/v1"),
        item("CustomResourceDefinition", "x", "apiextensions.k8s.io/v1"),
        item("LLMInferenceService", "large", "serving.kserve.io/v1alpha2"),
    ]
    order = [manifest.ref.kind for manifest in read_objects(mixed, any_kind=True)]
    assert order == [
        "CustomResourceDefinition",
        "Namespace",
        "ConfigMap",
        "Role",
        "PersistentVolumeClaim",
        "Job",
        "Deployment",
        "LLMInferenceService",
        "InferenceService",
        "InferenceService",
        "InferenceGraph",
        "HTTPRoute",
        "NetworkPolicy",
    ]
    named = [m.ref.name for m in read_objects(mixed, any_kind=True) if m.ref.name in ("a", "b")]
    assert named == ["b", "a"]


def test_a_file_a_folder_stdin_and_a_list_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(service("one")))
    (tmp_path / "two.json").write_text(json.dumps(service("two")))
    (tmp_path / "notes.txt").write_text("not for the cluster")
    both = {"apiVersion": "v1", "kind": "List", "items": [service("three"), service("four")]}
    (tmp_path / "three.yml").write_text(yaml.safe_dump_all([both, None]))
    monkeypatch.setattr(sys, "stdin", io.StringIO(yaml.safe_dump(service("five"))))
    names = [manifest.ref.name for manifest in read_objects([tmp_path, "-"])]
    assert names == ["one", "three", "four", "two", "five"]
    assert [m.ref.name for m in read_objects(str(tmp_path / "one.yaml"))] == ["one"]


def test_what_the_server_writes_into_an_object_is_left_out() -> None:
    read = service(
        uid="1",
        resourceVersion="2",
        generation=3,
        creationTimestamp=None,
        managedFields=[{}],
        namespace="parley",
        labels={"a": "b"},
    ) | {"spec": {"predictor": {}}, "status": {"url": "x"}}
    [manifest] = read_objects(read)
    assert manifest.ref == Ref("serving.kserve.io/v1beta1", "InferenceService", "chat", "parley")
    assert manifest.body == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "chat", "namespace": "parley", "labels": {"a": "b"}},
        "spec": {"predictor": {}},
    }


def test_objects_of_the_sdks_are_read_as_json_has_them() -> None:
    container = client.V1Container(name="c", image_pull_policy="Never", args=["a"])
    typed = V1beta1InferenceService(
        api_version="serving.kserve.io/v1beta1",
        kind="InferenceService",
        metadata=client.V1ObjectMeta(
            name="typed", annotations={"a_b": "c"}, creation_timestamp=datetime.now(UTC)
        ),
        spec=V1beta1InferenceServiceSpec(
            predictor=V1beta1PredictorSpec(containers=[container], min_replicas=0)
        ),
    )
    [manifest] = read_objects(typed)
    assert manifest.body["metadata"] == {"name": "typed", "annotations": {"a_b": "c"}}
    assert manifest.body["spec"] == {
        "predictor": {
            "containers": [{"name": "c", "imagePullPolicy": "Never", "args": ["a"]}],
            "minReplicas": 0,
        }
    }
    plain = client.V1Namespace(
        api_version="v1", kind="Namespace", metadata=client.V1ObjectMeta(name="plain")
    )
    assert [m.ref.qualified for m in read_objects((plain, service()))] == [
        "namespace/plain",
        "inferenceservice.serving.kserve.io/chat",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not YAML: line 1"),
        ("", "no Kubernetes object in it"),
        ("- x", "must be a mapping"),
        ("just words", "must be a mapping"),
        ("kind: Job", "it has no apiVersion"),
        ("{apiVersion: v1, kind: ConfigMap}", "metadata: name is required"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}", "name is required"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: 1}}", "name: must be text"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: []}", "metadata: must be a mapping"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: null}", "metadata: must be a mapping"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a}}", "Pod/a: Pod is not of KServe"),
        ("{apiVersion: other/v1, kind: Job, metadata: {name: a}}", "Job/a: Job is not of KServe"),
    ],
)
def test_what_is_no_object_of_ours_is_refused_where_it_stands(
    text: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(SpecError, match=words) as told:
        read_objects(str(file))
    assert str(file) in told.value.message


def test_sources_that_are_not_there_or_not_of_a_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="No such file"):
        read_objects(str(tmp_path / "none.yaml"))
    with pytest.raises(SpecError, match="without kustomization.yaml and without YAML files"):
        read_objects(tmp_path)
    with pytest.raises(SpecError, match="int: name a file or a folder, or give an object"):
        read_objects([7])


def test_an_object_that_is_there_twice_is_named_with_both_places(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump(service()))
    with pytest.raises(SpecError, match="b.yaml: InferenceService/chat: is there twice, also in"):
        read_objects(tmp_path)
    two = [service(namespace="a"), service(namespace="b")]
    assert len(read_objects(two)) == 2
