"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from graph.cluster.connection import Cluster
from graph.cluster.doctor.addons import check_addons
from graph.cluster.doctor.gpus import check_gpus
from graph.cluster.doctor.kserve import (
    check_controller,
    check_fields,
    check_settings,
    check_webhook,
)
from graph.cluster.doctor.model import Finding, note
from graph.cluster.doctor.network import check_dns, check_gateway_of_kserve, check_gateways
from graph.cluster.doctor.nodes import check_nodes, check_storage, check_version
from graph.cluster.doctor.probe import probe_cluster
from graph.cluster.doctor.rights import check_pod_security, check_rights
from graph.errors import Forbidden, NotFound, TimedOut

Check = Callable[[Cluster], Iterator[Finding]]
# What each looks at, for whoever may not look.
CHECKS: dict[str, Check] = {
    "Kubernetes": check_version,
    "nodes": check_nodes,
    "GPUs": check_gpus,
    "KServe": check_controller,
    "KServe settings": check_settings,
    "KServe kinds": check_fields,
    "KServe webhook": check_webhook,
    "gateway": check_gateways,
    "gateway of KServe": check_gateway_of_kserve,
    "DNS": check_dns,
    "storage": check_storage,
    "add-ons": check_addons,
    "namespace": check_pod_security,
    "rights": check_rights,
}
_UNPROBED = "`parley doctor --probe` makes two small pods that try it"


def examine(cluster: Cluster, probe_images: Sequence[str] = ()) -> Iterator[Finding]:
    """What each check finds, as it is found. What one may not look at is a note.

    probe_images: with some, pods of them are made for a moment, in the cluster's namespace.
    Raises Unreachable and Unauthorized.
    """
    for name, check in CHECKS.items():
        yield from _run(name, lambda check=check: check(cluster))  # type: ignore[misc]
    if probe_images:
        yield from _run("probe", lambda: probe_cluster(cluster, probe_images))
    else:
        yield note("NetworkPolicy", "whether it is enforced was not tried", _UNPROBED)


def _run(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Forbidden as err:
        yield note(name, err.message.partition(";")[0], "an administrator may look at it")
    except (NotFound, TimedOut) as err:
        yield note(name, err.message, "see what is missing")
