"""Watches of a real API server: they see what changes, and begin anew where they must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from graph.cluster.snapshot import POD, Kind, Snapshot
from graph.cluster.watches import Watches
from tests.cluster import strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster
SPACE = "parley-watches"
MAP = Kind("v1", "ConfigMap")


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    with strangers.namespace(cluster.kubectl, SPACE) as name:
        yield name


@dataclass
class Aged:
    """A resource whose first watch is asked to go on from a version that is long gone."""

    real: Any
    watched: list[str] = field(default_factory=list)

    def get(self, **options: Any) -> Any:
        if options.get("watch"):
            if not self.watched:
                options["resource_version"] = "1"
            self.watched.append(options["resource_version"])
        return self.real.get(**options)


def names(snapshot: Snapshot | None) -> list[str]:
    found = [each["metadata"]["name"] for each in snapshot.of(MAP)] if snapshot else []
    return [name for name in found if name.startswith("map")]


def test_objects_come_change_and_go(cluster: Cluster, space: str) -> None:
    kubectl = cluster.kubectl
    with strangers.connect(cluster, space) as connected:
        resources = {MAP: connected.resource("v1", "ConfigMap")}
        with Watches(connected, resources) as watches:
            until(lambda: watches.next(5), "the first list", 30)
            kubectl("create", "configmap", "map-a", "-n", space)
            kubectl("create", "configmap", "map-b", "-n", space)
            until(lambda: names(watches.next(5)) == ["map-a", "map-b"], "both", 30)
            kubectl("delete", "configmap", "map-a", "-n", space)
            until(lambda: names(watches.next(5)) == ["map-b"], "the second alone", 30)


def test_a_version_that_is_gone_is_no_problem(cluster: Cluster, space: str) -> None:
    """The API server says 410 Gone, as it does after an hour's sleep of a laptop."""
    with strangers.connect(cluster, space) as connected:
        aged = Aged(connected.resource("v1", "ConfigMap"))
        with Watches(connected, {MAP: aged}) as watches:
            until(lambda: watches.next(5), "the first list", 30)
            until(lambda: len(aged.watched) > 1, "the second watch", 30)
            cluster.kubectl("create", "configmap", "map-later", "-n", space)
            until(lambda: "map-later" in names(watches.next(5)), "what came later", 30)
            assert watches.problem == ""
    assert aged.watched[0] == "1" != aged.watched[1]


def test_nothing_is_said_before_every_kind_is_known(cluster: Cluster, space: str) -> None:
    with strangers.connect(cluster, space) as connected:
        resources = {kind: connected.resource(kind.api_version, kind.name) for kind in (MAP, POD)}
        watches = Watches(connected, resources)
        assert watches.next(0) is None
        with watches:
            snapshot = until(lambda: watches.next(5), "both kinds", 30)
        assert set(snapshot.objects) == {MAP, POD}
