"""Which Service leads into an application."""

from __future__ import annotations

from graph.cluster.connection import Cluster
from graph.cluster.parts.applications import Application, find_applications
from graph.cluster.snapshot import SERVICE, read_snapshot
from graph.errors import NotFound, SpecError, find_nearest


def find_door(cluster: Cluster, name: str = "", service: str = "") -> str:
    """Name of the Service of an application: its graph's, or its only InferenceService's.

    name: the application, "" where there is only one.  service: an InferenceService of it, whose
    own Service is wanted. Raises NotFound; SpecError where there is a choice.
    """
    snapshot = read_snapshot(cluster)
    if service:
        names = [str(each["metadata"]["name"]) for each in snapshot.of(SERVICE)]
        if service not in names:
            near = find_nearest(service, names)
            hint = f'; did you mean "{near}"?' if near else ""
            where = f'namespace "{cluster.namespace}"'
            raise NotFound(f'{where} has no InferenceService "{service}"{hint}')
        return predictor_service(service)
    found = find_applications(snapshot, [name] if name else [])
    if len(found) > 1:
        names = [application.name for application in found]
        raise SpecError(f'namespace "{cluster.namespace}": name one of {names}')
    return _door(found[0])


def predictor_service(service: str) -> str:
    """The Service that KServe makes for the predictor of an InferenceService."""
    return f"{service}-predictor"


def _door(application: Application) -> str:
    return application.name if application.graph else predictor_service(application.name)
