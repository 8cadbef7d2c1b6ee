"""What `apply` does where a command holds fields of a live object."""

from __future__ import annotations

from typing import Any

import pytest

from graph.cluster.held import STOP, give_way, is_paused, replicas, replicas_patch
from graph.cluster.live import LIVE_MANAGER, MANAGER
from graph.errors import Conflict

FIELD = ".spec.predictor.minReplicas"


def service(least: int, **annotations: str) -> dict[str, Any]:
    predictor = {"minReplicas": least, "containers": []}
    return {"metadata": {"annotations": annotations}, "spec": {"predictor": predictor}}


def test_what_was_scaled_is_taken_out_and_said() -> None:
    conflict = Conflict("", ((FIELD, LIVE_MANAGER),))
    written = service(1)
    body, notes = give_way(written, service(3), conflict)
    assert body == {"metadata": {"annotations": {}}, "spec": {"predictor": {"containers": []}}}
    assert notes == ("minReplicas stays 3, as it was scaled, not the file's 1.",)
    assert written == service(1)


def test_what_our_own_manager_owns_otherwise_is_no_conflict() -> None:
    body, notes = give_way(service(1), service(3), Conflict("", ((FIELD, MANAGER),)))
    assert (body, notes) == (service(1), ())


@pytest.mark.parametrize(
    "fields",
    [
        ((FIELD, "kubectl-edit"),),
        ((FIELD, LIVE_MANAGER), (".spec.predictor.containers", "helm")),
        ((".spec.other", LIVE_MANAGER),),
    ],
)
def test_nothing_gives_way_to_others(fields: tuple[tuple[str, str], ...]) -> None:
    conflict = Conflict("", fields)
    with pytest.raises(Conflict) as told:
        give_way(service(1), service(3), conflict)
    assert told.value is conflict


def test_a_pause_in_the_file_gives_way_to_one_on_the_cluster() -> None:
    conflict = Conflict("", ((f".metadata.annotations.{STOP}", LIVE_MANAGER),))
    body, notes = give_way(service(1, **{STOP: "false"}), service(1, **{STOP: "true"}), conflict)
    assert (body, notes) == (service(1), ())


def test_replicas_are_read_and_written_where_each_kind_has_them() -> None:
    assert replicas("InferenceService", service(2)) == (2, None)
    assert replicas("InferenceGraph", {"spec": {"minReplicas": 0, "maxReplicas": 4}}) == (0, 4)
    assert replicas("InferenceGraph", {"spec": None}) == (None, None)
    both = {"minReplicas": 2, "maxReplicas": 5}
    assert replicas_patch("InferenceService", 2, 5) == {"spec": {"predictor": both}}
    assert replicas_patch("InferenceGraph", 2, 5) == {"spec": both}


def test_kserve_reads_the_pause_without_regard_to_case() -> None:
    assert is_paused(service(1, **{STOP: "TRUE"}))
    assert not is_paused(service(1, **{STOP: "no"}))
    assert not is_paused({"metadata": {}})
