"""A pod that waits for its model: the Job that pulls and converts it is not done.

The chat's pods wait in an init container, `python -m predictors.models.wait MODEL ...`, and the
Job runs `python -m predictors.conversion`; both mount the same claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.cluster.reasons.model import Cause, Object, Reason
from graph.cluster.reasons.pod import Pod, read_claims

_WAITS = "predictors.models.wait"


@dataclass(frozen=True)
class Job:
    """done: all well.  failure: why it failed for good, "" where it did not.  active: pods at work.

    failed: pods that failed.  claims: those that it mounts.
    """

    name: str
    done: bool
    failure: str
    active: int
    failed: int
    claims: tuple[str, ...]


def read_job(found: Object) -> Job:
    status = found.get("status", {})
    conditions = {
        each["type"]: each for each in status.get("conditions", ()) if each["status"] == "True"
    }
    failure = conditions.get("Failed")
    return Job(
        name=found["metadata"]["name"],
        done="Complete" in conditions,
        failure=(failure.get("message") or failure.get("reason", "")) if failure else "",
        active=status.get("active", 0),
        failed=status.get("failed", 0),
        claims=read_claims(found["spec"]["template"].get("spec", {})),
    )


def explain_conversion(pod: Pod, jobs: Sequence[Job]) -> Reason | None:
    """jobs: all of the namespace; those that fill a claim of the pod matter."""
    for container in pod.containers:
        if container.init and container.running and _WAITS in container.command:
            models = [word for word in container.command if ":" in word]
            return _reason(" and ".join(models), _job_for(pod, jobs))
    return None


def _job_for(pod: Pod, jobs: Sequence[Job]) -> Job | None:
    """One that failed, else one at work, else one that is done."""
    filling = [job for job in jobs if set(job.claims) & set(pod.claims)]
    order = sorted(filling, key=lambda job: (not job.failure, job.done))
    return order[0] if order else None


def _reason(models: str, job: Job | None) -> Reason:
    waits = f"it waits for {models}"
    cause = Cause.MODEL_NOT_CONVERTED
    if job is None:
        return Reason(
            cause,
            f"{waits}, and no Job fills its volume",
            "apply the Job that pulls and converts models (manifests/base/models-job.yaml)",
        )
    if job.failure:
        return Reason(
            cause,
            f"{waits}, and Job {job.name} failed: {job.failure}",
            f"`parley logs {job.name}` says why; delete the Job and apply it again",
            lasting=True,
        )
    if job.done:
        return Reason(
            cause,
            f"{waits}, which Job {job.name} did not convert",
            f"name the model in the arguments of the Job ({job.name}), and apply it again",
            lasting=True,
        )
    again = f" after {job.failed} failures" if job.failed else ""
    return Reason(
        cause,
        f"{waits}, which Job {job.name} still pulls and converts{again}",
        f"wait for it; `parley logs -f {job.name}` shows its progress",
    )
