"""Why there is no pod at all: a quota, an admission policy or pod security refuses it."""

from __future__ import annotations

import re

from graph.cluster.reasons.model import Cause, Reason, shorten

_QUOTA = re.compile(r"exceeded quota: (?P<name>[\w.-]+), (?P<words>requested: .*)")
_UNSET = re.compile(r"failed quota: (?P<name>[\w.-]+): (?P<words>must specify .*)")
_SECURITY = re.compile(r'violates PodSecurity "(?P<name>[^"]+)": (?P<words>.*)')
_POLICY = re.compile(
    r"ValidatingAdmissionPolicy '(?P<name>[^']+)'.*? denied request: (?P<words>.*)"
)
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request: (?P<words>.*)')
_ACCOUNT = re.compile(r'serviceaccount "(?P<name>[^"]+)" not found(?P<words>)')
_KINDS = (
    (_QUOTA, "ResourceQuota {} is used up", "ask for less, or have the quota raised"),
    (_UNSET, "ResourceQuota {} wants requests and limits", "set both in resources"),
    (_SECURITY, "the namespace's pod security {} refuses the pod",
     "change the pod's securityContext as it says, or the namespace's label"),
    (_POLICY, "ValidatingAdmissionPolicy {} refuses the pod", "change the pod as it says"),
    (_WEBHOOK, "the admission webhook {} refuses the pod", "change the pod as it says"),
    (_ACCOUNT, "ServiceAccount {} is not there", "create it, or name another one"),
)  # fmt: skip


def explain_refusal(words: str) -> Reason:
    """words: the message of a condition ReplicaFailure, or of an event FailedCreate."""
    for pattern, problem, fix in _KINDS:
        found = pattern.search(words)
        if found:
            said = shorten(found["words"])
            message = problem.format(found["name"]) + (f": {said}" if said else "")
            return Reason(Cause.REFUSED, message, fix)
    return Reason(
        Cause.REFUSED, f"the API server refuses the pod: {shorten(words)}", "change the pod so"
    )
