"""Why a pod does not run, told of objects as the API server gave them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from graph.cluster.parts.pods import describe_job, read_workloads
from graph.cluster.reasons.claims import Claim, explain_claim
from graph.cluster.reasons.conversions import read_job
from graph.cluster.reasons.events import events_of
from graph.cluster.reasons.images import classify_pull
from graph.cluster.reasons.model import Cause, LogSource, Reason
from graph.cluster.reasons.pod import read_pod
from graph.cluster.reasons.refusals import explain_refusal
from graph.cluster.reasons.rules import describe_progress, explain_pod
from tests.graph.cluster.given import read_objects, snapshot_of

OBJECTS = read_objects("troubles.yaml")
WORKLOADS = read_workloads(snapshot_of(OBJECTS, "troubles"))


def find(kind: str, name: str) -> dict[str, Any]:
    [found] = [o for o in OBJECTS if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return copy.deepcopy(found)


def explain(found: dict[str, Any]) -> Reason | None:
    pod = read_pod(found)
    events = events_of(WORKLOADS.events, "Pod", pod.name)
    claims = [claim for claim in WORKLOADS.claims if claim.name in pod.claims]
    return explain_pod(pod, events, claims, WORKLOADS.jobs)


@pytest.mark.parametrize(
    ("name", "cause", "words"),
    [
        ("image", Cause.IMAGE_NOT_PULLED, "docker.io/nobody/nothing:9 is not on the node, and its"),
        ("image-never", Cause.IMAGE_NOT_FOUND, "parley-chat:9.9 is not on the node"),
        ("image-name", Cause.IMAGE_NOT_FOUND, "Parley:::9.9 is no image's name"),
        ("gpu", Cause.NO_GPU, "no node has nvidia.com/gpu: 1 free (0/1 nodes"),
        ("mig", Cause.NO_GPU, "no node has nvidia.com/mig-1g.10gb: 1 free"),
        ("gpu-label", Cause.NO_GPU, "no node is labelled nvidia.com/gpu.present=true"),
        ("selector", Cause.NO_NODE, "nodeSelector disk=ssd"),
        ("memory", Cause.NO_RESOURCES, "no node has room for 90 cpu, 900Gi memory"),
        ("claim-no-class", Cause.CLAIM_PENDING, "no-class waits: no volume fits it"),
        ("claim-bad-class", Cause.CLAIM_PENDING, 'class fast: storageclass.storage.k8s.io "fast"'),
        ("claim-missing", Cause.CLAIM_PENDING, "PersistentVolumeClaim nowhere is not there"),
        ("crash", Cause.CRASH, "container c ended with exit code 2 (a wrong option"),
        ("init", Cause.CRASH, "init container i ended with exit code 3, 2 restarts"),
        ("oom", Cause.OUT_OF_MEMORY, "container c ran out of memory, 2 restarts"),
        ("no-command", Cause.NOT_STARTED, 'exec: "nonsense": executable file not found'),
        ("no-secret", Cause.NOT_STARTED, 'container c cannot start: secret "nothing" not found'),
        ("no-configmap-volume", Cause.NOT_MOUNTED, 'configmap "nothing" not found'),
        ("probe", Cause.PROBE_FAILING, "c is not ready: Readiness probe failed: HTTP probe"),
        ("startup", Cause.PROBE_FAILING, "c is starting: Startup probe failed: HTTP probe"),
        ("liveness", Cause.PROBE_FAILING, "c is killed because its liveness probe fails"),
        ("model", Cause.MODEL_NOT_CONVERTED, "it waits for hf:facebook/blenderbot-400M-distill@"),
    ],
)
def test_each_trouble_is_named_with_its_fix(name: str, cause: Cause, words: str) -> None:
    reason = explain(find("Pod", name))
    assert reason is not None
    assert (reason.cause, words in reason.message) == (cause, True), reason.message
    assert reason.fix
    assert "\n" not in reason.message + reason.fix


def test_a_crash_says_where_its_last_log_lines_are() -> None:
    crash, ended = explain(find("Pod", "crash")), explain(find("Pod", "failing-bbpzz"))
    assert crash and crash.log == LogSource("crash", "c", previous=True, restarts=2)
    assert ended and ended.log == LogSource("failing-bbpzz", "c", previous=False, restarts=0)


def test_between_two_crashes_the_crash_is_the_reason() -> None:
    pod = find("Pod", "crash")
    [status] = pod["status"]["containerStatuses"]
    ended = {"exitCode": 1, "reason": "Error"}
    status |= {"state": {"running": {}}, "lastState": {"terminated": ended}, "ready": False}
    reason = explain(pod)
    assert reason and reason.cause is Cause.CRASH
    status["ready"] = True
    assert explain(pod) is None


def test_the_memory_limit_is_in_the_fix() -> None:
    reason = explain(find("Pod", "oom"))
    assert reason and "resources.limits.memory (now 64Mi)" in reason.fix


def test_an_evicted_pod_tells_the_words_of_its_node() -> None:
    pod = find("Pod", "probe")
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}
    reason = explain(pod)
    assert reason and reason.cause is Cause.EVICTED
    assert "Evicted: low on memory" in reason.message


def test_a_taint_is_told() -> None:
    pod = find("Pod", "selector")
    [scheduled] = [c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled"]
    taint = "node-role.kubernetes.io/control-plane: "
    scheduled["message"] = (
        f"0/2 nodes are available: 2 node(s) had untolerated taint {{{taint}}}. "
        "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    )
    reason = explain(pod)
    assert reason and reason.cause is Cause.NO_NODE
    assert taint.strip() in reason.message
    assert "reemption" not in reason.message


VOLUMES = [{"name": "m", "persistentVolumeClaim": {"claimName": "models"}}]
JOB = {
    "metadata": {"name": "parley-models"},
    "spec": {"template": {"spec": {"volumes": VOLUMES}}},
}
FAILED = {"type": "Failed", "status": "True", "message": "it reached the backoff limit"}


@pytest.mark.parametrize(
    ("status", "words", "lasting"),
    [
        ({"active": 1, "failed": 2}, "still pulls and converts after 2 failures", False),
        ({"conditions": [FAILED]}, "Job parley-models failed: it reached the backoff limit", True),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, "did not convert", True),
    ],
)
def test_a_pod_that_waits_for_its_model_names_the_job(
    status: dict[str, Any], words: str, lasting: bool
) -> None:
    pod = find("Pod", "model")
    pod["spec"]["volumes"] = VOLUMES
    reason = explain_pod(read_pod(pod), (), (), [read_job(JOB | {"status": status})])
    assert reason and reason.cause is Cause.MODEL_NOT_CONVERTED
    assert words in reason.message
    assert reason.lasting is reason.failing is lasting


def test_a_job_that_failed_for_good_tells_why_its_pod_failed() -> None:
    part = describe_job(read_job(find("Job", "failing")), WORKLOADS)
    assert part.state == "failing"
    assert part.reason and part.reason.lasting
    assert "backoff limit; container c ended with exit code 1" in part.reason.message
    assert part.reason.log is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("account", "ServiceAccount nobody is not there"),
        ("quota", "ResourceQuota small is used up: requested: requests.memory=2Gi"),
        ("security", "pod security restricted:latest refuses the pod: allowPrivilegeEscalation"),
    ],
)
def test_a_pod_that_was_refused_is_explained_of_its_deployment(name: str, words: str) -> None:
    [condition] = [
        c for c in find("Deployment", name)["status"]["conditions"] if c["type"] == "ReplicaFailure"
    ]
    reason = explain_refusal(condition["message"])
    assert reason.cause is Cause.REFUSED
    assert words in reason.message


def test_a_pod_that_does_not_state_what_a_quota_counts_is_told_what_to_set() -> None:
    words = "must specify limits.cpu for: c; limits.memory for: c"
    reason = explain_refusal(f'pods "a" is forbidden: failed quota: tight: {words}')
    assert reason.message == f"ResourceQuota tight wants requests and limits: {words}"
    assert reason.fix == "set both in resources"


@pytest.mark.parametrize(
    ("words", "cause", "told"),
    [
        ('code = NotFound desc = failed to pull "a:1": a:1: not found',
         Cause.IMAGE_NOT_FOUND, "is not found"),
        ("pull access denied, repository does not exist or may require authorization",
         Cause.IMAGE_NOT_PULLED, "private, or not there"),
        ("toomanyrequests: You have reached your pull rate limit",
         Cause.IMAGE_NOT_PULLED, "asked too often"),
        ("no match for platform in manifest: not found", Cause.IMAGE_NOT_FOUND, "processor"),
        ("tls: failed to verify certificate: x509: signed by unknown authority",
         Cause.IMAGE_NOT_PULLED, "certificate"),
        ("something new", Cause.IMAGE_NOT_PULLED, "cannot be pulled: something new"),
    ],
)  # fmt: skip
def test_the_words_of_registries_are_told_apart(words: str, cause: Cause, told: str) -> None:
    found, problem, _ = classify_pull(words)
    assert (found, told in problem) == (cause, True), problem


def test_a_claim_that_has_a_volume_is_no_reason() -> None:
    claim = Claim("models", "Bound", "nfs", ("ReadWriteMany",))
    assert explain_claim(claim) is None


def test_a_pod_on_its_way_is_no_reason_and_says_what_it_does() -> None:
    pod = read_pod(find("Pod", "startup"))
    assert explain_pod(pod, (), (), ()) is None
    assert describe_progress(pod, ()) == "starts"
