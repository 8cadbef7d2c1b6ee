"""What is optional: metrics-server, KEDA with its HTTP Add-on, and Prometheus' operator."""

from __future__ import annotations

from collections.abc import Iterator

from graph.cluster.connection import Cluster
from graph.cluster.doctor.model import Finding, note, ok
from graph.errors import NotFound

_ADDONS = (
    ("metrics-server", "metrics.k8s.io/v1beta1", "PodMetrics", "autoscaling by CPU"),
    ("KEDA", "keda.sh/v1alpha1", "ScaledObject", "a ScaledObject of your own"),
    (
        "KEDA's HTTP Add-on",
        "http.keda.sh/v1alpha1",
        "HTTPScaledObject",
        "`components/scale-to-zero`",
    ),
    ("Prometheus", "monitoring.coreos.com/v1", "PodMonitor", "`metrics.podMonitor` of the chart"),
)


def check_addons(cluster: Cluster) -> Iterator[Finding]:
    for name, api_version, kind, use in _ADDONS:
        try:
            cluster.resource(api_version, kind)
        except NotFound:
            yield note(name, f"no {kind}", f"install it for {use}; all else works without")
        else:
            yield ok(name, f"{kind} {api_version.rpartition('/')[2]}")
