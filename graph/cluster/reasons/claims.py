"""Why a PersistentVolumeClaim has no volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graph.cluster.reasons.events import Event, events_of, newest
from graph.cluster.reasons.model import Cause, Object, Reason, shorten


@dataclass(frozen=True)
class Claim:
    """storage_class: None where the claim names none; the cluster's default, had it one, is put in
    by the API server.  problem: the words of whoever was to make the volume.
    """

    name: str
    phase: str
    storage_class: str | None
    modes: tuple[str, ...]
    problem: str = ""


def read_claim(found: Object, events: Iterable[Event]) -> Claim:
    name, spec = found["metadata"]["name"], found.get("spec", {})
    about = events_of(events, "PersistentVolumeClaim", name)
    event = newest(about, "ProvisioningFailed", "FailedBinding")
    return Claim(
        name=name,
        phase=found.get("status", {}).get("phase", ""),
        storage_class=spec.get("storageClassName"),
        modes=tuple(spec.get("accessModes", ())),
        problem=event.message if event else "",
    )


def explain_claim(claim: Claim) -> Reason | None:
    """None where it has a volume."""
    if claim.phase == "Bound":
        return None
    what = f"PersistentVolumeClaim {claim.name}"
    if claim.phase == "Lost":
        return Reason(
            Cause.CLAIM_PENDING, f"{what}: its volume is gone", "delete the claim, apply it again"
        )
    if not claim.storage_class:
        return Reason(
            Cause.CLAIM_PENDING,
            f"{what} waits: no volume fits it, and it names no storage class",
            f"set storageClassName to a class that gives {_list(claim.modes)}"
            " (`parley doctor` lists the classes), or mark one as the default",
        )
    return Reason(
        Cause.CLAIM_PENDING,
        f"{what} waits for storage class {claim.storage_class}"
        + (f": {shorten(claim.problem)}" if claim.problem else ""),
        f"check that the class is there and gives {_list(claim.modes)} (`parley doctor`)",
    )


def _list(modes: Sequence[str]) -> str:
    return " and ".join(modes) or "its access modes"
