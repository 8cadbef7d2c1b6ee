"""Pods and Jobs as parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graph.cluster.parts.model import Part, State, state_of
from graph.cluster.reasons.claims import Claim, read_claim
from graph.cluster.reasons.conversions import Job, read_job
from graph.cluster.reasons.events import Event, events_of, newest, read_events
from graph.cluster.reasons.model import Cause, Reason, shorten
from graph.cluster.reasons.pod import Pod, read_pod
from graph.cluster.reasons.refusals import explain_refusal
from graph.cluster.reasons.rules import describe_progress, explain_pod
from graph.cluster.snapshot import CLAIM, EVENT, JOB, POD, Snapshot


@dataclass(frozen=True)
class Workloads:
    """What runs in a namespace, and what was said of it: the newest events first."""

    pods: tuple[Pod, ...]
    jobs: tuple[Job, ...]
    claims: tuple[Claim, ...]
    events: tuple[Event, ...]


def read_workloads(snapshot: Snapshot) -> Workloads:
    events = read_events(snapshot.of(EVENT))
    return Workloads(
        tuple(map(read_pod, snapshot.of(POD))),
        tuple(map(read_job, snapshot.of(JOB))),
        tuple(read_claim(found, events) for found in snapshot.of(CLAIM)),
        events,
    )


def describe_pods(workloads: Workloads, labels: Mapping[str, str]) -> tuple[Part, ...]:
    """Those with all the labels, in the order of their names. One that is ending is not shown."""
    wanted = labels.items()
    chosen = [pod for pod in workloads.pods if wanted <= pod.labels.items() and not pod.going]
    return tuple(_describe_pod(pod, workloads) for pod in chosen)


def _describe_pod(pod: Pod, workloads: Workloads) -> Part:
    events = events_of(workloads.events, "Pod", pod.name)
    mounted = [claim for claim in workloads.claims if claim.name in pod.claims]
    reason = explain_pod(pod, events, mounted, workloads.jobs)
    detail = describe_progress(pod, events)
    if pod.ready and pod.restarts:
        detail += f", {pod.restarts} restarts"
    well = pod.ready or pod.phase == "Succeeded"
    return Part("Pod", pod.name, State.READY if well else state_of(reason), detail, reason)


def describe_job(job: Job, workloads: Workloads) -> Part:
    """A Job whose work is done is ready."""
    if job.done:
        return Part("Job", job.name, State.READY, "done")
    pods = describe_pods(workloads, {"job-name": job.name})
    reason = _explain_job(job, pods, events_of(workloads.events, "Job", job.name))
    detail = f"{job.active} pods at work" if job.active else "no pod at work"
    if job.failed:
        detail += f", {job.failed} failed"
    return Part("Job", job.name, state_of(reason), detail, reason, pods)


def _explain_job(job: Job, pods: Iterable[Part], events: tuple[Event, ...]) -> Reason | None:
    if job.failure:
        told = next((pod.reason for pod in pods if pod.reason), None)
        return Reason(
            Cause.JOB_FAILED,
            f"it failed for good: {shorten(job.failure)}" + (f"; {told.message}" if told else ""),
            "fix what its log says, delete the Job and apply it again",
            told.log if told else None,
            lasting=True,
        )
    refused = newest(events, "FailedCreate")
    if refused and not job.active:
        return explain_refusal(refused.message)
    return None
