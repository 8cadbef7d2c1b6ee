"""How the applications of a namespace are, as a frozen tree."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.connection import Cluster
from graph.cluster.parts.applications import Application, find_applications
from graph.cluster.parts.gateways import describe_gateway
from graph.cluster.parts.graphs import describe_graph
from graph.cluster.parts.model import Part, Status, worst
from graph.cluster.parts.pods import Workloads, describe_job, read_workloads
from graph.cluster.parts.routes import describe_routes
from graph.cluster.parts.services import describe_service
from graph.cluster.reasons.conversions import read_job
from graph.cluster.search import find_namespace
from graph.cluster.snapshot import Snapshot, read_snapshot


def read_status(cluster: Cluster, names: Sequence[str] = ()) -> Status:
    """All applications of the cluster's namespace, or those that are named, as they are now.

    names: of graphs, of services, or of the label `app.kubernetes.io/instance`.
    Raises NotFound where there are none, and any other ClusterError.
    """
    snapshot = read_snapshot(cluster)
    check_namespace(cluster, snapshot)
    return describe(snapshot, names)


def check_namespace(cluster: Cluster, snapshot: Snapshot) -> None:
    """Raises NamespaceMissing where nothing was found because there is no such namespace."""
    if not any(snapshot.objects.values()):
        find_namespace(cluster)


def describe(snapshot: Snapshot, names: Sequence[str] = ()) -> Status:
    """The same of objects that were read. Raises NotFound."""
    workloads = read_workloads(snapshot)
    found = find_applications(snapshot, names)
    return Status(
        snapshot.namespace,
        tuple(_describe_application(each, snapshot, workloads) for each in found),
    )


def _describe_application(
    application: Application, snapshot: Snapshot, workloads: Workloads
) -> Part:
    services = [describe_service(each, snapshot, workloads) for each in application.services]
    graph = describe_graph(application, services, snapshot, workloads)
    parts = (
        *(describe_job(read_job(job), workloads) for job in application.jobs),
        *services,
        *([graph] if graph else ()),
        *(describe_gateway(each, workloads) for each in application.gateways),
        *describe_routes(application.routes, application.ingresses),
    )
    return Part("Application", application.name, worst(parts), parts=parts)
