"""`graph.cluster.apply` against the API server: what it does, leaves alone and refuses."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from kserve import (
    V1alpha1InferenceGraph,
    V1alpha1InferenceGraphSpec,
    V1alpha1InferenceRouter,
    V1alpha1InferenceStep,
    V1beta1InferenceService,
    V1beta1InferenceServiceSpec,
    V1beta1PredictorSpec,
)
from kubernetes import client

from graph.cluster import aio, connection
from graph.cluster.apply import apply
from graph.cluster.live import MANAGER
from graph.cluster.outcome import Action
from graph.errors import Conflict, NotFound, Refused, SpecError, Unreachable
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster
from tests.cluster.small import claim, config_map, idle, job, namespace
from tests.proxy import Fault, proxied

pytestmark = pytest.mark.cluster
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}


def actions(changes) -> dict[str, str]:
    return {str(change.ref): change.action.value for change in changes}


def test_what_is_applied_is_created_then_unchanged_then_configured(
    here: connection.Cluster, cluster: Cluster
) -> None:
    both = [idle("one"), strangers.graph("pair", "one")]
    assert set(actions(apply(here, both, dry_run=True)).values()) == {"created"}
    assert not cluster.kubectl.exists("isvc", "one", here.namespace)
    assert set(actions(apply(here, both)).values()) == {"created"}
    assert set(actions(apply(here, both)).values()) == {"unchanged"}
    both[0]["spec"]["predictor"]["containers"][0]["image"] = "another:1"
    changed = {"InferenceService/one": "configured", "InferenceGraph/pair": "unchanged"}
    assert actions(apply(here, both, dry_run=True)) == changed
    assert actions(apply(here, both)) == changed
    live = cluster.kubectl.get("isvc", "one", here.namespace)
    assert live["spec"]["predictor"]["containers"][0]["image"] == "another:1"


def test_files_and_folders_are_applied_in_the_order_in_which_objects_need_each_other(
    here: connection.Cluster, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(strangers.graph("pair", "one")))
    (tmp_path / "b.json").write_text(json.dumps(idle("one")))
    text = yaml.safe_dump_all([config_map("settings"), {"kind": "List", "apiVersion": "v1"}])
    (tmp_path / "c.yml").write_text(text)
    seen = []
    apply(here, tmp_path, on_change=lambda change: seen.append(str(change.ref)))
    assert seen == ["ConfigMap/settings", "InferenceService/one", "InferenceGraph/pair"]


def test_objects_of_kserves_sdk_are_applied(here: connection.Cluster, cluster: Cluster) -> None:
    container = client.V1Container(
        name="kserve-container", image="none:1", image_pull_policy="Never"
    )
    predictor = V1beta1PredictorSpec(containers=[container], node_selector={"none": "such"})
    service = V1beta1InferenceService(
        api_version="serving.kserve.io/v1beta1",
        kind="InferenceService",
        metadata=client.V1ObjectMeta(name="typed", annotations=STANDARD),
        spec=V1beta1InferenceServiceSpec(predictor=predictor),
    )
    step = V1alpha1InferenceStep(name="only", service_name="typed", dependency="Hard")
    graph = V1alpha1InferenceGraph(
        api_version="serving.kserve.io/v1alpha1",
        kind="InferenceGraph",
        metadata=client.V1ObjectMeta(name="typed-graph", annotations=STANDARD),
        spec=V1alpha1InferenceGraphSpec(
            nodes={"root": V1alpha1InferenceRouter(router_type="Sequence", steps=[step])}
        ),
    )
    apply(here, [graph, service])
    live = cluster.kubectl.get("isvc", "typed", here.namespace)
    assert live["spec"]["predictor"]["containers"][0]["imagePullPolicy"] == "Never"
    root = cluster.kubectl.get("ig", "typed-graph", here.namespace)["spec"]["nodes"]["root"]
    assert root["steps"] == [{"name": "only", "serviceName": "typed", "dependency": "Hard"}]


def test_kserves_own_samples_are_applied(here: connection.Cluster) -> None:
    # docs/samples of KServe: a model that one of its runtimes serves, and a canary of it.
    sample = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "sklearn-iris"},
        "spec": {
            "predictor": {
                "canaryTrafficPercent": 10,
                "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://none/iris"},
            }
        },
    }
    assert actions(apply(here, sample)) == {"InferenceService/sklearn-iris": "created"}
    assert actions(apply(here, sample)) == {"InferenceService/sklearn-iris": "unchanged"}


async def test_an_event_loop_goes_on_while_objects_are_applied(
    here: connection.Cluster,
) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    changes = await aio.apply(here, [config_map("a"), idle("one")])
    assert set(actions(changes).values()) == {"created"}
    assert not any(difference.text for difference in await aio.diff(here, config_map("a")))
    assert {removal.fate for removal in await aio.delete(here)} == {"deleted"}
    counting.cancel()
    assert turns > 10


def test_an_object_read_from_the_cluster_is_applied_again(
    here: connection.Cluster, cluster: Cluster
) -> None:
    apply(here, idle("one"))
    live = json.loads(
        cluster.kubectl(
            "get", "isvc", "one", "-n", here.namespace, "-o", "json", "--show-managed-fields"
        )
    )
    assert actions(apply(here, live)) == {"InferenceService/one": "unchanged"}


def test_a_field_of_another_manager_is_named_and_taken_over_when_forced(
    here: connection.Cluster, cluster: Cluster
) -> None:
    theirs = config_map("shared", greeting="theirs")
    cluster.kubectl(
        *("apply", "--server-side", "--field-manager=somebody", "-n", here.namespace, "-f", "-"),
        stdin=json.dumps(theirs),
    )
    ours = [config_map("first"), config_map("shared", greeting="ours")]
    with pytest.raises(Conflict) as told:
        apply(here, ours)
    assert told.value.fields == ((".data.greeting", "somebody"),)
    assert ".data.greeting (somebody)" in told.value.message
    assert told.value.message.endswith("--force-conflicts; nothing was applied")
    assert not cluster.kubectl.exists("configmap", "first", here.namespace)
    apply(here, ours, force_conflicts=True)
    assert cluster.kubectl.get("configmap", "shared", here.namespace)["data"] == {
        "greeting": "ours"
    }


def test_objects_of_foreign_kinds_are_refused_unless_they_are_meant(
    here: connection.Cluster, cluster: Cluster
) -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "stranger"},
        "spec": {"holderIdentity": "me"},
    }
    with pytest.raises(SpecError, match="Lease/stranger: Lease is not of KServe.*--any-kind"):
        apply(here, [config_map("first"), lease])
    assert not cluster.kubectl.exists("configmap", "first", here.namespace)
    assert actions(apply(here, [lease], any_kind=True)) == {"Lease/stranger": "created"}


def test_nothing_is_applied_where_the_server_refuses_one_object(
    here: connection.Cluster, cluster: Cluster
) -> None:
    mistyped = idle("wrong")
    mistyped["spec"]["predictor"]["minReplica"] = 1
    with pytest.raises(Refused, match="minReplica.*nothing was applied"):
        apply(here, [config_map("first"), mistyped])
    graph = strangers.graph("pair", "one")
    graph["spec"]["nodes"] = {"branch": graph["spec"]["nodes"].pop("root")}
    with pytest.raises(Refused, match="root node.*nothing was applied"):
        apply(here, [config_map("first"), graph])
    assert not cluster.kubectl.exists("configmap", "first", here.namespace)


def test_a_kind_that_the_cluster_does_not_serve_is_named(here: connection.Cluster) -> None:
    unknown = {"apiVersion": "serving.kserve.io/v9", "kind": "Oracle", "metadata": {"name": "x"}}
    with pytest.raises(NotFound, match="no Oracle of serving.kserve.io/v9.*KServe"):
        apply(here, unknown)


def test_a_failure_in_the_middle_says_what_was_applied_and_what_was_not(
    here: connection.Cluster, cluster: Cluster
) -> None:
    # Each object alone is within the quota, so the server refuses none of them beforehand.
    have = len(cluster.kubectl.list("configmaps", here.namespace))
    quota = f"--hard=count/configmaps={have + 1}"
    cluster.kubectl("create", "quota", "few", quota, "-n", here.namespace)
    cluster.kubectl.wait("quota/few", "jsonpath={.status.hard}", here.namespace)
    with pytest.raises(Refused, match="exceeded quota") as told:
        apply(here, [config_map("a"), config_map("b"), idle("one")])
    assert told.value.applied == ("ConfigMap/a",)
    assert told.value.left == ("ConfigMap/b", "InferenceService/one")
    said = "applied: ConfigMap/a; not applied: ConfigMap/b, InferenceService/one"
    assert told.value.message.endswith(said)


def test_a_server_that_goes_away_in_the_middle_leaves_one_object_unknown(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    host, port = kubeconfigs.address(cluster.kubectl)
    with proxied(port, host) as proxy:
        by_proxy = kubeconfigs.through(cluster.kubectl, proxy.port, tmp_path)
        maps = [config_map("a"), config_map("b"), config_map("c")]
        with (
            strangers.connect(cluster, space, by_proxy) as here,
            pytest.raises(Unreachable) as told,
        ):
            apply(here, maps, on_change=lambda _: proxy.set(Fault(cut=0)))
    assert (told.value.applied, told.value.left) == (("ConfigMap/a",), ("ConfigMap/c",))
    said = "; applied: ConfigMap/a; not known: ConfigMap/b; not applied: ConfigMap/c"
    assert told.value.message.endswith(said)


def test_a_job_that_differs_is_made_anew_only_where_it_is_asked(
    here: connection.Cluster, cluster: Cluster
) -> None:
    apply(here, job("pull", "first"))
    uid = cluster.kubectl.get("job", "pull", here.namespace)["metadata"]["uid"]
    with pytest.raises(Refused, match="Job/pull: spec.template cannot be changed; --replace-jobs"):
        apply(here, job("pull", "second"))
    assert actions(apply(here, job("pull", "first"), replace_jobs=True)) == {
        "Job/pull": "unchanged"
    }
    assert cluster.kubectl.get("job", "pull", here.namespace)["metadata"]["uid"] == uid
    changes = apply(here, job("pull", "second"), replace_jobs=True)
    assert actions(changes) == {"Job/pull": "replaced"}
    template = cluster.kubectl.get("job", "pull", here.namespace)["spec"]["template"]
    assert template["spec"]["containers"][0]["args"] == ["second"]


def test_a_volume_claim_that_differs_is_never_made_anew(here: connection.Cluster) -> None:
    models = claim("models")
    apply(here, models)
    models["spec"]["accessModes"] = ["ReadWriteMany"]
    words = "PersistentVolumeClaim/models: spec cannot be changed; write it as it is on the cluster"
    with pytest.raises(Refused, match=words):
        apply(here, models, replace_jobs=True, force_conflicts=True)


def test_the_namespace_may_be_among_the_objects(cluster: Cluster, here: connection.Cluster) -> None:
    name = f"{here.namespace}-new"
    inside = config_map("inside")
    inside["metadata"]["namespace"] = name
    kubeconfig = str(cluster.kubectl.kubeconfig)
    try:
        with connection.connect(kubeconfig=kubeconfig) as free:
            changes = apply(free, [inside, namespace(name)])
            assert list(actions(changes)) == [f"Namespace/{name}", "ConfigMap/inside"]
            left_out = apply(free, [inside, namespace(name)], namespaced=True)
            assert left_out[0].action is Action.LEFT_OUT
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def test_several_applies_at_once_end_alike(here: connection.Cluster, cluster: Cluster) -> None:
    objects = [*(config_map(f"map-{i}") for i in range(8)), idle("one")]

    def once(_: int) -> dict[str, str]:
        with strangers.connect(cluster, here.namespace) as connected:
            return actions(apply(connected, objects))

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(once, range(4)))
    for number in range(8):
        said = [each[f"ConfigMap/map-{number}"] for each in ended]
        assert "created" in said and set(said) <= {"created", "unchanged"}
    live = cluster.kubectl(
        "get", "configmap", "map-0", "-n", here.namespace, "-o", "json", "--show-managed-fields"
    )
    assert [f["manager"] for f in json.loads(live)["metadata"]["managedFields"]] == [MANAGER]
