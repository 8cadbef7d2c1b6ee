"""What is said of an object that was applied, by how it was before and after."""

from __future__ import annotations

from typing import Any

from graph.cluster.outcome import Outcome


def item(version: str, data: str, *finalizers: str) -> dict[str, Any]:
    metadata = {"name": "x", "resourceVersion": version, "finalizers": list(finalizers)}
    return {"kind": "ConfigMap", "metadata": metadata, "data": data, "status": version}


def test_only_a_change_of_what_is_applied_counts() -> None:
    before = item("1", "a")
    assert Outcome(None, item("1", "a")).action == "created"
    assert Outcome(before, item("2", "a")).action == "unchanged"
    assert Outcome(before, item("2", "b")).action == "configured"
    assert Outcome(before, item("2", "b"), replaced=True).action == "replaced"


def test_a_finalizer_that_a_controller_puts_on_meanwhile_is_no_change() -> None:
    assert Outcome(item("1", "a"), item("2", "a", "its.finalizer")).action == "unchanged"


def test_a_dry_run_sees_that_somebody_else_changed_the_object_meanwhile() -> None:
    assert Outcome(item("1", "a"), item("1", "b")).is_ours
    assert Outcome(None, item("1", "b")).is_ours
    assert Outcome(item("1", "a"), {"metadata": {}}, replaced=True).is_ours
    assert not Outcome(item("1", "a"), item("2", "b")).is_ours
