"""Which InferenceService and which of its models a step of a graph calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graph.spec.model import Graph, Step
from graph.spec.services import InferenceService

# Where a model answers inside a cluster; KServe's controller resolves a serviceName to the last.
_URL = re.compile(
    r"http://(?P<service>[a-z0-9-]+)-predictor"
    r"(\.(?P<namespace>[a-z0-9-]+)(\.svc(\.[a-z0-9.-]+)?)?)?(:80)?"
    r"/v1/models/(?P<model>[^/:]+):predict"
)


@dataclass(frozen=True)
class Address:
    """namespace: that of a URL; empty for the graph's own."""

    service: str
    model: str
    namespace: str = ""

    def is_of(self, service: InferenceService, graph: Graph) -> bool:
        """Whether it is the address of this service. An object without a namespace is in any."""
        asked = self.namespace or graph.namespace
        return self.service == service.name and (
            not asked or not service.namespace or asked == service.namespace
        )


def address_of(step: Step) -> Address | None:
    """The address that a step calls; None for a node, and for a URL that no service answers."""
    if step.service_name:
        return Address(step.service_name, step.service_name)
    found = _URL.fullmatch(step.service_url)
    if found is None:
        return None
    return Address(found["service"], found["model"], found["namespace"] or "")


def cluster_url(service: str, namespace: str) -> str:
    """The URL of a serviceName, as KServe's controller resolves it."""
    return predict_url(f"http://{service}-predictor.{namespace}.svc.cluster.local", service)


def predict_url(server: str, model: str) -> str:
    """Where a model of a server is asked, by KServe's V1 protocol."""
    return f"{server}/v1/models/{model}:predict"
