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
    if service:
        names = [str(each["metadata"]["name"]) for each in read_snapshot(cluster).of(SERVICE)]
        if service not in names:
            near = find_nearest(service, names)
            hint = f'; did you mean "{near}"?' if near else ""
            where = f'namespace "{cluster.namespace}"'
            raise NotFound(f'{where} has no InferenceService "{service}"{hint}')
        return predictor_service(service)
    return door_of(find_application(cluster, name))


def find_application(cluster: Cluster, name: str = "") -> Application:
    """The application of that name, "" where there is only one. Raises as `find_door`."""
    found = find_applications(read_snapshot(cluster), [name] if name else [])
    if len(found) > 1:
        names = [application.name for application in found]
        raise SpecError(f'namespace "{cluster.namespace}": name one of {names}')
    return found[0]


def predictor_service(service: str) -> str:
    """The Service that KServe makes for the predictor of an InferenceService."""
    return f"{service}-predictor"


def door_of(application: Application) -> str:
    """The Service of its graph, or of its only InferenceService."""
    return application.name if application.graph else predictor_service(application.name)
