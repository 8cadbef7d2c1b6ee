"""The shipped Role, on a real API server: it suffices for all, and what lacks in one is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from graph.cluster import connection
from graph.cluster.apply import apply
from graph.cluster.delete import delete
from graph.cluster.diff import diff
from graph.cluster.forward import forward
from graph.cluster.live import await_gone, find, list_metadata, locate
from graph.cluster.logs import EVERYTHING, read_log, read_logs
from graph.cluster.objects import read_objects
from graph.cluster.scaling import pause, resume, scale
from graph.cluster.status import read_status
from graph.cluster.wait import wait
from graph.errors import Forbidden
from tests.cluster import kubeconfigs, strangers
from tests.cluster.deployment import MANIFESTS
from tests.cluster.harness import Cluster
from tests.cluster.small import NOWHERE, Object, claim, config_map, idle, job

pytestmark = pytest.mark.cluster
ROLE = yaml.safe_load((MANIFESTS / "access" / "role.yaml").read_text())
Connect = Callable[[list[dict[str, Any]]], connection.Cluster]


@pytest.fixture
def limited(cluster: Cluster, space: str, tmp_path: Path):
    """What connects as an account whose Role has the rules that are given."""
    made = []

    def connect(rules: list[dict[str, Any]]) -> connection.Cluster:
        given = [rule for rule in rules if rule["verbs"] and rule["resources"]]
        file = kubeconfigs.of_account(cluster.kubectl, space, given, tmp_path)
        made.append(strangers.connect(cluster, space, file))
        return made[-1]

    yield connect
    for connected in made:
        connected.close()


@pytest.fixture(scope="module")
def application() -> list[Object]:
    """One object of each kind: of the embedded chat, without its pods, and of what that lacks."""
    shipped = list(yaml.safe_load_all((MANIFESTS / "embedded.yaml").read_text()))
    for item in shipped:
        item["metadata"].pop("namespace", None)
        if item["kind"] == "InferenceService":
            item["spec"]["predictor"]["nodeSelector"] = NOWHERE
        if item["kind"] == "InferenceGraph":
            item["spec"]["nodeSelector"] = NOWHERE
    every = [*shipped, config_map("map"), claim("models"), job("pull", "x")]
    return list({item["kind"]: item for item in every}.values())


def test_the_role_suffices_for_every_command(limited: Connect, application: list[Object]) -> None:
    here = limited(ROLE["rules"])
    changes = apply(here, application, namespaced=True)
    assert {c.action for c in changes if not c.ref.namespace} == {"left out"}
    assert {c.action for c in changes if c.ref.namespace} == {"created"}
    assert not any(difference.text for difference in diff(here, application, namespaced=True))
    service = next(item for item in application if item["kind"] == "InferenceService")
    assert scale(here, service["metadata"]["name"], 2).now == (2, 2)
    assert all(state.changed for state in (*pause(here), *resume(here)))
    removals = delete(here, volumes=True)
    assert {removal.fate for removal in removals} == {"deleted"}
    assert len(removals) == sum(1 for change in changes if change.ref.namespace)


def test_the_role_suffices_to_watch_and_to_reach_what_runs(limited: Connect) -> None:
    here = limited(ROLE["rules"])
    apply(here, [strangers.service("first"), strangers.graph("chain", "first")])
    assert wait(here, timeout=120).ready
    assert read_status(here).ready
    with forward(here, "chain") as url:
        answer = httpx2.post(url, json={"instances": ["a"]}, timeout=30)
    assert answer.json() == {"predictions": ["a", "first:predict"]}
    assert {line.pod.partition("-")[0] for line in read_logs(here)} == {"first", "chain"}
    # Its pods need half a minute to end.
    assert {removal.fate for removal in delete(here, timeout=0)} == {"deleted"}


def test_what_is_of_the_whole_cluster_names_the_way_round(
    limited: Connect, application: list[Object]
) -> None:
    with pytest.raises(Forbidden, match="may not get namespaces.*--namespaced leaves out") as told:
        apply(limited(ROLE["rules"]), application)
    assert told.value.message.endswith("; nothing was applied")


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "patch", "delete"])
def test_a_missing_verb_is_named_with_its_resource_and_namespace(
    verb: str, limited: Connect, here: connection.Cluster, application: list[Object]
) -> None:
    kept = [rule | {"verbs": [v for v in rule["verbs"] if v != verb]} for rule in ROLE["rules"]]
    account = limited(kept)
    objects = [item for item in application if namespaced(here, item)]
    if verb != "create":
        apply(here, objects)
    for item in objects:
        resource = here.resource(item["apiVersion"], item["kind"])
        with pytest.raises(Forbidden) as told:
            attempt(verb, account, item)()
        name = f"{resource.name}.{resource.group}" if resource.group else resource.name
        assert (told.value.verb, told.value.resource) == (verb, name)
        assert told.value.namespace == here.namespace
        assert "manifests/access holds a Role" in told.value.message


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_a_missing_right_to_watch_is_named(
    verb: str, limited: Connect, here: connection.Cluster
) -> None:
    apply(here, idle("one"))
    for resource in ("pods", "events", "deployments.apps", "jobs.batch"):
        account = limited(without(verb, resource))
        with pytest.raises(Forbidden, match="manifests/access holds a Role") as told:
            wait(account, timeout=20) if verb == "watch" else read_status(account)
        assert (told.value.verb, told.value.resource) == (verb, resource)
        assert told.value.namespace == here.namespace


def test_a_missing_right_to_read_or_reach_a_pod_is_named(limited: Connect, space: str) -> None:
    def read_or_reach(account: connection.Cluster, resource: str) -> None:
        if resource == "pods/log":
            read_log(account, "first", "kserve-container", EVERYTHING)
        with forward(account, f"{resource.removesuffix('s')}/first"):
            pass

    for resource in ("pods/log", "pods", "services"):
        account = limited(without("get", resource))
        with pytest.raises(Forbidden, match="manifests/access holds a Role") as told:
            read_or_reach(account, resource)
        assert (told.value.verb, told.value.resource) == ("get", resource)
        assert told.value.namespace == space


def without(verb: str, resource: str) -> list[dict[str, Any]]:
    """The rules of the Role, but one verb of one resource."""
    name, _, group = resource.partition(".")
    rules = []
    for rule in ROLE["rules"]:
        if rule["apiGroups"] == [group] and name in rule["resources"]:
            others = [each for each in rule["resources"] if each != name]
            rules.append(rule | {"resources": [name], "verbs": [*({*rule["verbs"]} - {verb})]})
            rule = rule | {"resources": others}
        rules.append(rule)
    return rules


def namespaced(here: connection.Cluster, item: Object) -> bool:
    return bool(here.resource(item["apiVersion"], item["kind"]).namespaced)


def attempt(verb: str, account: connection.Cluster, item: Object) -> Callable[[], object]:
    """The operation of the library that needs the verb."""
    if verb == "list":
        resource = account.resource(item["apiVersion"], item["kind"])
        return lambda: list(list_metadata(account, resource, account.namespace))
    if verb == "delete":
        return partial(delete, account, item, volumes=True)
    if verb == "watch":
        [manifest] = locate(account, read_objects(item))
        live = find(account, manifest.ref)
        assert live is not None
        return partial(await_gone, account, [(manifest.ref, live["metadata"]["uid"])], 5)
    return partial(apply, account, item)
