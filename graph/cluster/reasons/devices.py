"""Why a pod has not been given the devices that it claims: dynamic resource allocation.

The scheduler's words name no claim (`0/1 nodes are available: 1 cannot allocate all claims.`); the
pod itself does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graph.cluster.reasons.events import Event, newest
from graph.cluster.reasons.model import Cause, Reason, shorten
from graph.cluster.reasons.pod import DeviceClaim, Pod
from graph.cluster.reasons.refusals import explain_refusal

_NO_CLASS = re.compile(r"device class (\S+) does not exist")
_NO_TEMPLATE = re.compile(r'resource claim template "([^"]+)": .* not found')
_NOT_FREE = ("cannot allocate all claims", "resourceclaim in use", "resourceclaim not available")
_FREE_ONE = (
    "install the DRA driver of the devices (`parley doctor` lists what drivers offer), wait for a "
    "device to be free, or apply an overlay without GPUs, such as manifests/overlays/cpu"
)


def explain_allocation(words: str, pod: Pod) -> Reason | None:
    """words: the scheduler's."""
    missing_class = _NO_CLASS.search(words)
    if missing_class:
        return Reason(
            Cause.NO_DEVICE,
            f"{_name(pod.device_claims)} asks for DeviceClass {missing_class[1]}, which is not "
            "there",
            "install the DRA driver that brings the class, or name another one in the template",
        )
    if not any(part in words for part in _NOT_FREE):
        return None
    return Reason(
        Cause.NO_DEVICE,
        f"no node has a free device for {_name(pod.device_claims)} ({shorten(words)})",
        _FREE_ONE,
    )


def explain_creation(pod: Pod, events: Sequence[Event]) -> Reason | None:
    """Why there is no claim to allocate: its template is missing, or a quota refuses it."""
    event = newest(events, "FailedResourceClaimCreation")
    if event is None or pod.node or all(claim.name for claim in pod.device_claims):
        return None
    missing = _NO_TEMPLATE.search(event.message)
    if missing:
        return Reason(
            Cause.MISSING,
            f"ResourceClaimTemplate {missing[1]} is not there",
            "apply it, or name another one in resourceClaims",
        )
    return explain_refusal(event.message)


def _name(claims: Sequence[DeviceClaim]) -> str:
    return " and ".join(
        f"ResourceClaim {claim.name or claim.reference}"
        + (f" (of ResourceClaimTemplate {claim.template})" if claim.template else "")
        for claim in claims
    )
