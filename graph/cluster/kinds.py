"""Which kinds Parley applies, and in which order.

They are KServe's kinds and what stands around them in the chart and in manifests/. An object of
another kind in a file of these is more often a mistake than a wish, so it has to be asked for.
`delete` looks for what it applied among the same kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

KSERVE = "serving.kserve.io"


@dataclass(frozen=True)
class Kind:
    """guarded: the shipped Role does not reach it, because who does could read or grant more."""

    group: str
    name: str
    guarded: bool = False


# In the order of applying; what they need comes before them, what narrows them comes last.
KINDS = (
    Kind("", "Namespace", guarded=True),
    Kind("", "ConfigMap"),
    Kind("", "Secret", guarded=True),
    Kind("", "ServiceAccount", guarded=True),
    Kind("rbac.authorization.k8s.io", "Role", guarded=True),
    Kind("rbac.authorization.k8s.io", "RoleBinding", guarded=True),
    Kind(KSERVE, "LocalModelNamespaceCache"),
    Kind("", "PersistentVolumeClaim"),
    Kind("resource.k8s.io", "ResourceClaimTemplate"),
    Kind("batch", "Job"),
    Kind("", "Service"),
    Kind("apps", "Deployment"),
    Kind(KSERVE, "ServingRuntime"),
    Kind(KSERVE, "InferenceService"),
    Kind(KSERVE, "TrainedModel"),
    Kind(KSERVE, "InferenceGraph"),
    Kind("gateway.networking.k8s.io", "Gateway"),
    Kind("gateway.networking.k8s.io", "HTTPRoute"),
    Kind("networking.k8s.io", "Ingress"),
    Kind("networking.k8s.io", "NetworkPolicy"),
    Kind("policy", "PodDisruptionBudget"),
    Kind("autoscaling", "HorizontalPodAutoscaler"),
    Kind("http.keda.sh", "HTTPScaledObject"),
    Kind("keda.sh", "ScaledObject"),
    Kind("monitoring.coreos.com", "PodMonitor"),
    Kind("monitoring.coreos.com", "PrometheusRule"),
    Kind("gateway.envoyproxy.io", "ClientTrafficPolicy"),
    Kind("gateway.envoyproxy.io", "BackendTrafficPolicy"),
    Kind("gateway.envoyproxy.io", "SecurityPolicy"),
    Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", guarded=True),
    Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", guarded=True),
)
_RANKS = {(kind.group, kind.name): rank for rank, kind in enumerate(KINDS)}
# Kinds that are not in the table: any other of KServe's stands with its services, and a foreign one
# with the Services of Kubernetes. A definition of a kind comes before everything.
_OTHERS = {True: _RANKS[KSERVE, "ServingRuntime"], False: _RANKS["", "Service"]}


def is_ours(group: str, kind: str) -> bool:
    """Whether a kind is applied without being asked for: one of the table, or any of KServe's."""
    return group == KSERVE or (group, kind) in _RANKS


def rank(group: str, kind: str) -> int:
    """The place of a kind in the order of applying."""
    if kind == "CustomResourceDefinition":
        return -1
    return _RANKS.get((group, kind), _OTHERS[group == KSERVE])
