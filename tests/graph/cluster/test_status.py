"""The tree of what runs in a namespace, from objects as the API server gives them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from graph.cluster.parts.model import Part, State, Status, first_trouble
from graph.cluster.reasons.model import Cause
from graph.cluster.status import describe
from graph.errors import NotFound, SpecError
from tests.graph.cluster.given import read_objects, snapshot_of

PAIR = read_objects("pair.yaml")
Object = dict[str, Any]
GATEWAY = {"name": "front", "namespace": "gateways"}
ROUTE: Object = {
    "kind": "HTTPRoute",
    "metadata": {"name": "door", "generation": 1},
    "spec": {"parentRefs": [GATEWAY], "rules": [{"backendRefs": [{"name": "pair"}]}]},
}
INGRESS: Object = {
    "kind": "Ingress",
    "metadata": {"name": "door"},
    "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "pair"}}}]}}]},
}


LABELS = {"app.kubernetes.io/instance": "pair", "app.kubernetes.io/component": "gateway"}
TALK: Object = {
    "kind": "Deployment",
    "metadata": {"name": "talk", "generation": 1},
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {
            "spec": {
                "containers": [
                    {
                        "command": ["python", "-m", "graph.gateway"],
                        "args": ["--inference-graph=pair"],
                    }
                ]
            }
        },
    },
    "status": {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "availableReplicas": 1,
    },
}


def changed(kind: str, name: str, change: Callable[[Object], object]) -> list[Object]:
    objects = copy.deepcopy(PAIR)
    for item in objects:
        if item["kind"] == kind and item["metadata"]["name"].startswith(name):
            change(item)
    return objects


def look(objects: list[Object], *names: str) -> Status:
    return describe(snapshot_of(objects, "pair"), names)


def part(status: Status, kind: str, name: str) -> Part:
    [found] = [
        path[-1]
        for path in status.walk()
        if path[-1].kind == kind and path[-1].name.startswith(name)
    ]
    return found


def accepted(status: str, message: str = "", generation: int = 1) -> Object:
    condition = {"type": "Accepted", "status": status, "message": message}
    return {
        "status": {"parents": [{"conditions": [condition | {"observedGeneration": generation}]}]}
    }


def test_a_graph_and_the_services_that_it_calls_are_one_application() -> None:
    status = look(PAIR)
    [application] = status.applications
    assert (application.name, application.state, status.ready) == ("pair", State.READY, True)
    assert [(p.kind, p.name, p.detail) for p in application.parts] == [
        ("InferenceService", "first", "1 of 1 pods available"),
        ("InferenceService", "second", "1 of 1 pods available"),
        ("InferenceGraph", "pair", "1 of 1 pods available"),
    ]
    assert all(len(p.parts) == 1 and p.parts[0].kind == "Pod" for p in application.parts)
    assert first_trouble(status) is None


def test_a_gateway_and_the_routes_to_it_are_part_of_its_graphs_application() -> None:
    route = copy.deepcopy(ROUTE) | accepted("True")
    route["spec"]["rules"][0]["backendRefs"] = [{"name": "talk"}]
    talk = copy.deepcopy(TALK)
    status = look([*PAIR, talk, route])
    assert [(p.kind, p.name) for p in status.applications[0].parts[-2:]] == [
        ("Deployment", "talk"),
        ("HTTPRoute", "door"),
    ]
    assert status.ready
    talk["status"]["availableReplicas"] = 0
    status = look([*PAIR, talk, route])
    found = part(status, "Deployment", "talk")
    assert (found.state, found.detail) == (State.WAITING, "0 of 1 pods available")
    assert not status.ready
    container = talk["spec"]["template"]["spec"]["containers"][0]
    container["args"] = ["--inference-graph", "pair"]
    assert not look([*PAIR, talk]).ready
    # Another graph's is not waited for.
    container["args"] = ["--inference-graph=pair-of-others"]
    assert look([*PAIR, talk]).ready
    # Of an image that knows what to start, a variable is all that is said.
    del container["command"], container["args"]
    container["env"] = [{"name": "PARLEY_INFERENCE_GRAPH", "value": "pair"}]
    assert not look([*PAIR, talk]).ready
    # Whoever has sent all of its pods away waits for none.
    talk["spec"]["replicas"] = 0
    talk["status"] = {"observedGeneration": 1}
    found = part(look([*PAIR, talk]), "Deployment", "talk")
    assert (found.state, found.detail) == (State.READY, "scaled to no pods")


def test_a_service_that_no_graph_calls_is_an_application_by_itself() -> None:
    objects = [item for item in PAIR if item["kind"] != "InferenceGraph"]
    assert [each.name for each in look(objects).applications] == ["first", "second"]
    assert [each.name for each in look(PAIR, "second").applications] == ["second"]


def test_a_step_may_call_a_service_by_its_url_inside_the_cluster() -> None:
    def by_url(graph: Object) -> None:
        step = graph["spec"]["nodes"]["root"]["steps"][0]
        name = step.pop("serviceName")
        step["serviceUrl"] = f"http://{name}-predictor.pair/v1/models/{name}:predict"

    [application] = look(changed("InferenceGraph", "pair", by_url)).applications
    assert [p.name for p in application.parts] == ["first", "second", "pair"]


def test_a_name_may_be_that_of_the_instance_label() -> None:
    def label(graph: Object) -> None:
        graph["metadata"]["labels"] = {"app.kubernetes.io/instance": "release"}

    objects = changed("InferenceGraph", "pair", label)
    assert [each.name for each in look(objects, "release").applications] == ["pair"]


def test_a_name_may_say_its_kind() -> None:
    def rename(graph: Object) -> None:
        graph["metadata"]["name"] = "first"

    objects = changed("InferenceGraph", "pair", rename)
    assert len(look(objects, "ig/first").applications[0].parts) > 1
    assert len(look(objects, "isvc/first").applications[0].parts) == 1
    with pytest.raises(SpecError, match="pod is neither"):
        look(objects, "pod/first")


@pytest.mark.parametrize(
    ("objects", "names", "words"),
    [
        ([], [], 'namespace "pair" has no InferenceService and no InferenceGraph; -n names'),
        (PAIR, ["pear"], 'no instance "pear"; did you mean "pair"?'),
        (PAIR, ["pair", "zebra"], 'no instance "zebra"'),
    ],
)
def test_what_is_not_there_is_said(objects: list[Object], names: list[str], words: str) -> None:
    with pytest.raises(NotFound) as told:
        look(objects, *names)
    assert words in str(told.value)


def test_kserve_saying_ready_is_not_enough() -> None:
    def old(deployment: Object) -> None:
        deployment["status"] |= {"replicas": 2, "updatedReplicas": 1}

    status = look(changed("Deployment", "second-predictor", old))
    assert not status.ready
    assert part(status, "InferenceService", "second").detail == "1 old pod still runs"

    def unseen(deployment: Object) -> None:
        deployment["metadata"]["generation"] += 1

    status = look(changed("Deployment", "second-predictor", unseen))
    assert part(status, "InferenceService", "second").detail == "its change is not seen yet"

    def unavailable(deployment: Object) -> None:
        deployment["status"].pop("availableReplicas")

    status = look(changed("Deployment", "pair", unavailable))
    assert part(status, "InferenceGraph", "pair").detail == "router: 0 of 1 pods available"
    assert not status.ready


def test_kserve_not_saying_ready_is_enough_to_wait() -> None:
    def unready(service: Object) -> None:
        for condition in service["status"]["conditions"]:
            if condition["type"] in ("IngressReady", "Ready"):
                condition |= {"status": "False", "message": "HTTPRoute first is not accepted"}

    status = look(changed("InferenceService", "first", unready))
    told = part(status, "InferenceService", "first")
    assert (told.state, told.detail) == (
        State.WAITING, "IngressReady: HTTPRoute first is not accepted"
    )  # fmt: skip


def test_a_graph_without_a_router_says_what_it_waits_for() -> None:
    objects = [i for i in PAIR if (i["kind"], i["metadata"]["name"]) != ("Deployment", "pair")]
    assert part(look(objects), "InferenceGraph", "pair").detail == (
        "waits for KServe to make its router"
    )
    objects = [item for item in PAIR if item["kind"] != "Deployment"]
    assert part(look(objects), "InferenceGraph", "pair").detail == "waits for first, second"


def test_a_service_that_is_not_there_is_told_with_its_step() -> None:
    objects = [
        i for i in PAIR if (i["kind"], i["metadata"]["name"]) != ("InferenceService", "second")
    ]
    status = look(objects)
    trouble = first_trouble(status)
    assert trouble and trouble[-1].name == "pair"
    assert trouble[-1].reason and trouble[-1].reason.cause is Cause.MISSING
    assert 'step "two" of node "root" calls InferenceService second' in trouble[-1].detail


def test_kserves_own_words_are_told_where_there_is_no_deployment() -> None:
    def fail(service: Object) -> None:
        info = {"reason": "NoSupportingRuntime", "message": "No runtime found to support"}
        service["status"] = {"modelStatus": {"lastFailureInfo": info}}

    objects = [i for i in changed("InferenceService", "first", fail) if i["kind"] != "Deployment"]
    told = part(look(objects), "InferenceService", "first")
    assert told.state is State.FAILING
    assert told.reason and told.reason.message == "KServe: No runtime found to support"


def test_what_is_paused_is_neither_ready_nor_waited_for() -> None:
    def stop(found: Object) -> None:
        found["metadata"].setdefault("annotations", {})["serving.kserve.io/stop"] = "true"

    status = look(changed("InferenceService", "first", stop))
    assert part(status, "InferenceService", "first").state is State.STOPPED
    assert status.applications[0].state is State.STOPPED
    assert not status.ready


def test_a_failing_pod_is_the_first_trouble_and_makes_all_above_it_fail() -> None:
    def break_image(pod: Object) -> None:
        waiting = {"reason": "ErrImageNeverPull", "message": "Image is not present"}
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        pod["status"]["containerStatuses"][0] |= {"state": {"waiting": waiting}, "ready": False}

    objects = changed("Pod", "second-predictor", break_image)
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] != "first-predictor":
            item["status"].pop("availableReplicas")
    status = look(objects)
    trouble = first_trouble(status)
    assert trouble is not None
    assert [p.kind for p in trouble] == ["Application", "InferenceService", "Pod"]
    assert {p.state for p in trouble} == {State.FAILING}
    assert part(status, "InferenceGraph", "pair").state is State.WAITING


@pytest.mark.parametrize(
    ("added", "state", "detail"),
    [
        (ROUTE, State.WAITING, "gateway front has not taken it"),
        (ROUTE | accepted("True"), State.READY, "accepted by front"),
        (ROUTE | accepted("False", "no such listener"), State.FAILING,
         "gateway front refuses it: no such listener"),
        (ROUTE | accepted("True", generation=0), State.WAITING,
         "gateway front has not taken it since its last change"),
        (INGRESS, State.WAITING, "no controller has taken it"),
        (INGRESS | {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}, State.READY,
         "at 10.0.0.1"),
    ],
)  # fmt: skip
def test_a_route_counts_when_it_is_accepted(added: Object, state: State, detail: str) -> None:
    status = look([*PAIR, added])
    told = part(status, added["kind"], "door")
    assert (told.state, told.detail) == (state, detail)
    assert status.ready is (state is State.READY)


def test_a_route_that_nobody_takes_does_not_count_where_another_one_serves() -> None:
    status = look([*PAIR, ROUTE | accepted("True"), INGRESS])
    assert part(status, "Ingress", "door").state is State.IDLE
    assert status.ready
