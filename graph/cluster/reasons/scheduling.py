"""Why a pod is on no node: the scheduler's words, sorted.

They look like `0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had untolerated
taint {a: b}. no new claims to deallocate, preemption: ...`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graph.cluster.reasons.claims import Claim, explain_claim
from graph.cluster.reasons.devices import explain_allocation
from graph.cluster.reasons.model import Cause, Reason, shorten
from graph.cluster.reasons.pod import Pod

_GPU = re.compile(r"(nvidia\.com|amd\.com|gpu\.intel\.com|habana\.ai)/[\w.-]*\w")
_LACKS = re.compile(r"Insufficient ([\w./-]*\w)")
# What else the scheduler tried.
_LATER = re.compile(r"[.,]? (?:no new claims to|preemption:)")
_TAINT = re.compile(r"untolerated taint(?:\(s\)| \{([^}]*)\})")
_MISSING_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_CLAIM_WORDS = (
    "unbound immediate",
    "didn't find available persistent volumes",
    "persistentvolumeclaim",
)
_WITHOUT_GPU = (
    "install the device plugin of the GPUs (`parley doctor` lists what the nodes have), wait for "
    "one to be free, or apply an overlay without GPUs, such as manifests/overlays/cpu"
)


def explain_scheduling(pod: Pod, claims: Sequence[Claim]) -> Reason | None:
    """claims: those that the pod mounts, as far as they are there."""
    words = _LATER.split(pod.unscheduled)[0]
    if not words:
        return None
    return (
        _claim(words, pod, claims)
        or explain_allocation(words, pod)
        or _lacking(words, pod)
        or _selector(words, pod)
        or _taint(words)
        or Reason(
            Cause.NO_NODE,
            f"no node takes the pod: {shorten(words)}",
            "`kubectl describe nodes` shows what each has",
        )
    )


def is_gpu(resource: str) -> bool:
    """Whether it is the name of a GPU, whole or in part (MIG), or of a label about one."""
    return _GPU.fullmatch(resource) is not None


def _claim(words: str, pod: Pod, claims: Sequence[Claim]) -> Reason | None:
    missing = _MISSING_CLAIM.search(words)
    if missing:
        return Reason(
            Cause.CLAIM_PENDING,
            f"PersistentVolumeClaim {missing[1]} is not there",
            "apply it, or name another one in the volumes",
        )
    if "volume node affinity conflict" in words:
        return Reason(
            Cause.NO_NODE,
            "the volume is on another node than those that could take the pod: " + shorten(words),
            "use a storage class that all nodes reach (ReadWriteMany)",
        )
    if not any(part in words for part in _CLAIM_WORDS):
        return None
    found = [reason for reason in map(explain_claim, claims) if reason]
    return found[0] if found else Reason(Cause.CLAIM_PENDING, shorten(words), "see its claims")


def _lacking(words: str, pod: Pod) -> Reason | None:
    """What there is too little of; a GPU first, since it is what a node seldom has."""
    lacks = _LACKS.findall(words)
    # The scheduler looks at labels first; nodes without GPUs do not have the label.
    hidden = [key for key in pod.node_selector if is_gpu(key)]
    gpus = [name for name in lacks if is_gpu(name)]
    if gpus:
        asked = " + ".join(pod.asks.get(gpus[0], ("1",)))
        return Reason(
            Cause.NO_GPU, f"no node has {gpus[0]}: {asked} free ({shorten(words)})", _WITHOUT_GPU
        )
    if hidden and "node affinity/selector" in words:
        label = f"{hidden[0]}={pod.node_selector[hidden[0]]}"
        return Reason(Cause.NO_GPU, f"no node is labelled {label} ({shorten(words)})", _WITHOUT_GPU)
    if not lacks and "Too many pods" not in words:
        return None
    asked = ", ".join(f"{' + '.join(pod.asks[name])} {name}" for name in lacks if name in pod.asks)
    return Reason(
        Cause.NO_RESOURCES,
        f"no node has room for {asked or 'another pod'} ({shorten(words)})",
        "ask for less in resources.requests, add a node, or free one",
    )


def _selector(words: str, pod: Pod) -> Reason | None:
    if "node affinity/selector" not in words:
        return None
    labels = ", ".join(f"{key}={value}" for key, value in pod.node_selector.items())
    return Reason(
        Cause.NO_NODE,
        f"no node fits the pod's {'nodeSelector ' + labels if labels else 'node affinity'}"
        f" ({shorten(words)})",
        "label a node so, or change the selector",
    )


def _taint(words: str) -> Reason | None:
    found = _TAINT.search(words)
    if found is None:
        return None
    return Reason(
        Cause.NO_NODE,
        f"the nodes have a taint that the pod does not tolerate: {shorten(found[1] or words)}",
        "add a toleration to the pod, or take the taint off a node",
    )
