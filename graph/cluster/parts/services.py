"""InferenceServices as parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graph.cluster.live import is_going
from graph.cluster.parts.deployed import describe_deployed
from graph.cluster.parts.model import Part
from graph.cluster.parts.pods import Workloads
from graph.cluster.parts.rollouts import explain_rollout, find_rollout_problem
from graph.cluster.reasons.events import events_of
from graph.cluster.reasons.model import Cause, Object, Reason, shorten
from graph.cluster.snapshot import Snapshot

# A condition's reason for what KServe cannot make.
_FAILED = "ReconcileFailed"
_REQUESTS = (
    "set resources.requests and resources.limits both: where there is no request, KServe asks for "
    "1 CPU and 2 GiB, or as its ConfigMap says"
)


def describe_service(service: Object, snapshot: Snapshot, workloads: Workloads) -> Part:
    """Ready when KServe says so and all pods of its Deployments are new and available."""
    return describe_deployed(
        service,
        snapshot,
        workloads,
        lambda made: find_problem(service, made),
        lambda made: explain_rollout(made) or _explain_kserve(service, made, workloads),
    )


def find_problem(service: Object, deployments: Sequence[Object]) -> str:
    """What is still to happen, "" where nothing is."""
    if not deployments:
        return "KServe has made no Deployment yet"
    if any(map(is_going, deployments)):
        return "its Deployment is being deleted"
    problem = next(filter(None, map(find_rollout_problem, deployments)), "")
    if problem or condition_of(service, "Ready").get("status") == "True":
        return problem
    return _words_of_conditions(service) or "KServe does not say that it is ready"


def condition_of(found: Object, kind: str) -> Object:
    """Empty where it is not there."""
    conditions = found.get("status", {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})


def _explain_kserve(
    service: Object, deployments: Sequence[Object], workloads: Workloads
) -> Reason | None:
    """Why KServe does not make its Deployment, in its own words."""
    failed = next(_unmet(service, _FAILED), None)
    words = failed.get("message", "") if failed else ""
    if not words and not deployments:
        status, name = service.get("status", {}), service["metadata"]["name"]
        failure = status.get("modelStatus", {}).get("lastFailureInfo") or {}
        events = events_of(workloads.events, "InferenceService", name)
        warned = next((event.message for event in events if event.warning), "")
        words = failure.get("message") or warned
    if not words:
        return None
    fix = _REQUESTS if "limit of" in words else "change the InferenceService so"
    return Reason(Cause.KSERVE, f"KServe: {shorten(words)}", fix)


def _words_of_conditions(service: Object) -> str:
    """Of the first condition that is not met: rather one that says why, the summary last."""
    unmet = sorted(_unmet(service), key=lambda each: not each.get("message"))
    told = (each["type"] + ": " + (each.get("message") or each.get("reason", "")) for each in unmet)
    return shorten(next(told, "")).removesuffix(":")


def _unmet(service: Object, reason: str = "") -> Iterator[Object]:
    conditions = service.get("status", {}).get("conditions") or ()
    for each in sorted(conditions, key=lambda each: bool(each["type"] == "Ready")):
        if each["status"] != "True" and each.get("severity") != "Info":
            if reason in ("", each.get("reason")):
                yield each
