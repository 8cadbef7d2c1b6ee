"""`graph.cluster.delete` and `diff` against the API server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from graph.cluster import connection
from graph.cluster.apply import apply
from graph.cluster.delete import Fate, delete
from graph.errors import NamespaceMissing, Refused, TimedOut
from tests.cluster import strangers
from tests.cluster.harness import Cluster
from tests.cluster.small import claim, config_map, idle, namespace, policy

pytestmark = pytest.mark.cluster
HOLD = "parley.test/hold"


def fates(removals) -> dict[str, str]:
    return {str(removal.ref): removal.fate.value for removal in removals}


def test_what_was_applied_is_deleted_and_nothing_of_others(
    here: connection.Cluster, cluster: Cluster
) -> None:
    strangers.put(cluster.kubectl, here.namespace, idle("theirs"), config_map("their-map"))
    ours = [config_map("map"), idle("one"), strangers.graph("pair", "one")]
    apply(here, ours)
    planned = fates(delete(here, dry_run=True))
    removals = delete(here)
    assert fates(removals) == planned
    assert planned == {
        "InferenceGraph/pair": "deleted",
        "InferenceService/theirs": "left",
        "InferenceService/one": "deleted",
        "ConfigMap/map": "deleted",
    }
    left = next(removal for removal in removals if removal.fate is Fate.LEFT)
    assert left.reason == "was applied by kubectl, manager, not by parley"
    # The end was waited for, that of the pods included.
    assert not cluster.kubectl.list("deployment", here.namespace, "app=isvc.one-predictor")
    for kind, name in (("isvc", "one"), ("ig", "pair"), ("configmap", "map")):
        assert not cluster.kubectl.exists(kind, name, here.namespace)
    for kind, name in (("isvc", "theirs"), ("configmap", "their-map")):
        assert cluster.kubectl.exists(kind, name, here.namespace)
    assert fates(delete(here)) == {"InferenceService/theirs": "left"}


def test_files_name_what_is_deleted_and_twice_is_fine(
    here: connection.Cluster, cluster: Cluster
) -> None:
    strangers.put(cluster.kubectl, here.namespace, config_map("theirs"))
    apply(here, [config_map("kept"), config_map("gone")])
    named = [config_map("gone"), config_map("theirs")]
    assert fates(delete(here, named)) == {"ConfigMap/gone": "deleted", "ConfigMap/theirs": "left"}
    assert fates(delete(here, named)) == {"ConfigMap/gone": "not there", "ConfigMap/theirs": "left"}
    assert cluster.kubectl.exists("configmap", "kept", here.namespace)


def test_volumes_are_left_unless_they_are_meant(here: connection.Cluster) -> None:
    apply(here, [claim("models"), config_map("map")])
    assert fates(delete(here)) == {
        "PersistentVolumeClaim/models": "left",
        "ConfigMap/map": "deleted",
    }
    assert fates(delete(here, volumes=True)) == {"PersistentVolumeClaim/models": "deleted"}


def test_the_namespace_is_deleted_only_where_it_is_meant_and_nothing_else_is_in_it(
    here: connection.Cluster, cluster: Cluster
) -> None:
    name = f"{here.namespace}-own"
    with strangers.connect(cluster, name) as inside:
        apply(inside, [namespace(name), claim("models"), config_map("map")])
        strangers.put(cluster.kubectl, name, idle("theirs"))
        own = f"Namespace/{name}"
        first = delete(inside)
        assert fates(first)[own] == "left"
        second = {str(r.ref): r for r in delete(inside, with_namespace=True)}
        assert second[own].fate is Fate.LEFT
        assert "PersistentVolumeClaim/models" in second[own].reason
        assert "InferenceService/theirs" in second[own].reason
        cluster.kubectl("delete", "isvc", "theirs", "-n", name)
        assert fates(delete(inside, volumes=True, with_namespace=True))[own] == "deleted"
        with pytest.raises(NamespaceMissing, match=f'namespace "{name}" is not there'):
            delete(inside)


def test_a_policy_of_the_namespace_is_deleted_by_its_file_only(here: connection.Cluster) -> None:
    # Of the whole cluster, so that its name has to be nobody else's.
    policies = policy(here.namespace)
    apply(here, policies)
    try:
        removals = delete(here)
        assert set(fates(removals).values()) == {"left"}
        assert {str(removal.ref) for removal in removals} == {
            f"ValidatingAdmissionPolicy/{here.namespace}",
            f"ValidatingAdmissionPolicyBinding/{here.namespace}",
        }
        assert "name its file to delete it" in removals[0].reason
    finally:
        assert set(fates(delete(here, policies)).values()) == {"deleted"}
    assert delete(here) == []


def test_what_does_not_go_in_time_is_named_with_what_holds_it(
    here: connection.Cluster, cluster: Cluster
) -> None:
    apply(here, config_map("held", finalizers=(HOLD,)))
    with pytest.raises(TimedOut, match=f"ConfigMap/held: still there after 1 s.*{HOLD}"):
        delete(here, timeout=1)
    # Deleting it again finds it on its way and waits as well.
    with pytest.raises(TimedOut):
        delete(here, timeout=1)
    release(cluster, here.namespace, "held")
    assert fates(delete(here)) in ({}, {"ConfigMap/held": "deleted"})


def test_what_is_going_is_waited_for_and_then_applied(
    here: connection.Cluster, cluster: Cluster
) -> None:
    apply(here, config_map("held", finalizers=(HOLD,)))
    delete(here, timeout=0)
    with ThreadPoolExecutor() as pool:
        applied = pool.submit(apply, here, config_map("held"))
        release(cluster, here.namespace, "held")
        [change] = applied.result()
    assert change.action == "created"
    assert cluster.kubectl.exists("configmap", "held", here.namespace)


def test_deleting_while_another_applies_leaves_what_came_after(
    here: connection.Cluster, cluster: Cluster
) -> None:
    objects = [config_map(f"map-{i}") for i in range(6)]
    told = []

    def interfere(change) -> None:
        told.append(change)
        if len(told) == 3:
            with strangers.connect(cluster, here.namespace) as other:
                assert set(fates(delete(other)).values()) == {"deleted"}

    apply(here, objects, on_change=interfere)
    assert {change.action for change in told} == {"created"}
    there = {c["metadata"]["name"] for c in cluster.kubectl.list("configmaps", here.namespace)}
    assert {f"map-{i}" for i in range(6)} & there == {"map-3", "map-4", "map-5"}
    assert set(fates(delete(here))) == {f"ConfigMap/map-{i}" for i in (3, 4, 5)}


def test_a_namespace_that_goes_while_it_is_applied_to_is_told(
    here: connection.Cluster, cluster: Cluster
) -> None:
    # The finalizer holds the namespace, so that it is seen on its way.
    objects = [config_map("held", finalizers=(HOLD,)), config_map("later")]

    def interfere(_) -> None:
        cluster.kubectl("delete", "namespace", here.namespace, "--wait=false")

    try:
        with pytest.raises(Refused, match="being terminated") as told:
            apply(here, objects, on_change=interfere)
    finally:
        release(cluster, here.namespace, "held")
    assert told.value.applied == ("ConfigMap/held",)
    assert told.value.left == ("ConfigMap/later",)


def release(cluster: Cluster, namespace: str, name: str) -> None:
    patch = json.dumps({"metadata": {"finalizers": None}})
    cluster.kubectl(
        *("patch", "configmap", name, "-n", namespace, "--type=merge", "-p", patch),
        "--field-manager=parley-test",
    )
