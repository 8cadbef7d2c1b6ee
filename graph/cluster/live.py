"""One object on the cluster: looked up, applied, deleted, and waited for until it is gone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kubernetes.dynamic import Resource
from kubernetes.utils.retry import retry_on_conflict

from graph.cluster.connection import Cluster
from graph.cluster.objects import Manifest, Object, Ref
from graph.errors import NotFound, TimedOut

# The field manager of `apply`, by which `delete` knows what was applied.
MANAGER = "parley"
# The field manager of `scale` and `pause`, which `apply` does not overrule.
LIVE_MANAGER = "parley-live"

# Lists come in pages, so that a large namespace does not come as one answer.
_PAGE = 500
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# A watch that ends is begun again; meanwhile the connection is seen to be alive.
_WATCH_SECONDS = 30


def locate(cluster: Cluster, manifests: Iterable[Manifest]) -> list[Manifest]:
    """The manifests with their namespaces filled in. Raises SpecError where one contradicts -n."""
    return [_locate(cluster, manifest) for manifest in manifests]


def find(cluster: Cluster, ref: Ref) -> Object | None:
    """The object as it is now, None where it is not there. Raises ClusterError."""
    resource = cluster.resource(ref.api_version, ref.kind)
    try:
        with cluster.speaking(str(ref)):
            found: Object = resource.get(ref.name, ref.namespace or None, serializer=_plain)
    except NotFound:
        return None
    return found


def patch_applied(
    cluster: Cluster, ref: Ref, body: Object, *, dry_run: bool = False, force: bool = False
) -> Object:
    """Server-side apply; the object as it is then. Raises ClusterError.

    An unknown field is refused, as kubectl has it. What two clients make at the same moment is
    asked for again, as the API server wants it.
    """
    resource = cluster.resource(ref.api_version, ref.kind)

    def patch() -> Object:
        done: Object = resource.server_side_apply(
            body=body,
            name=ref.name,
            namespace=ref.namespace or None,
            field_manager=MANAGER,
            force_conflicts=force,
            query_params=[("fieldValidation", "Strict")],
            serializer=_plain,
            **_dry(dry_run),
        )
        return done

    with cluster.speaking(str(ref)):
        return retry_on_conflict(patch)


def patch_live(cluster: Cluster, ref: Ref, body: Object, *, dry_run: bool = False) -> Object:
    """A merge patch of what `scale` and `pause` own. Raises ClusterError, NotFound among them."""
    resource = cluster.resource(ref.api_version, ref.kind)
    with cluster.speaking(str(ref)):
        done: Object = resource.patch(
            body=body,
            name=ref.name,
            namespace=ref.namespace or None,
            content_type="application/merge-patch+json",
            field_manager=LIVE_MANAGER,
            serializer=_plain,
            **_dry(dry_run),
        )
    return done


def list_metadata(cluster: Cluster, resource: Resource, namespace: str) -> Iterator[Object]:
    """The objects of a kind, without their contents; "" for the whole cluster.

    Raises ClusterError.
    """
    page = ""
    with cluster.speaking(resource.kind):
        while True:
            found = resource.get(
                namespace=namespace or None,
                limit=_PAGE,
                _continue=page or None,
                header_params={"Accept": _METADATA_ONLY},
                serializer=_plain,
            )
            named = {"apiVersion": resource.group_version, "kind": resource.kind}
            yield from (item | named for item in found["items"] or ())
            page = found["metadata"].get("continue") or ""
            if not page:
                return


def is_applied(item: Object) -> bool:
    """Whether `apply` applied it, and not somebody else alone."""
    entries = item["metadata"].get("managedFields") or ()
    return any(e.get("manager") == MANAGER and e.get("operation") == "Apply" for e in entries)


def managers(item: Object) -> list[str]:
    """Who has a hand in it: the field managers, without those of its status."""
    entries = item["metadata"].get("managedFields") or ()
    return sorted({e["manager"] for e in entries if not e.get("subresource") and "manager" in e})


def is_going(item: Mapping[str, Any]) -> bool:
    """Whether it was deleted, and only waits for its finalizers."""
    return bool(item["metadata"].get("deletionTimestamp"))


def remove(cluster: Cluster, ref: Ref, uid: str, *, dry_run: bool = False) -> None:
    """Delete the very object of that uid; one that is gone is fine. Raises ClusterError.

    What KServe made of an InferenceService goes first, so that whoever waits for its end waits for
    its pods too. KServe's controller makes the Deployment of a graph again as long as there is the
    graph, so that one goes first.
    """
    resource = cluster.resource(ref.api_version, ref.kind)
    policy = "Background" if ref.kind == "InferenceGraph" else "Foreground"
    # With a body the API server does not look at the URL, where the library writes a dry run.
    options = {"preconditions": {"uid": uid}, "propagationPolicy": policy}
    options |= {"dryRun": ["All"]} if dry_run else {}
    try:
        with cluster.speaking(str(ref)):
            resource.delete(ref.name, ref.namespace or None, body=options)
    except NotFound:
        return


def await_gone(cluster: Cluster, refs: Iterable[tuple[Ref, str]], seconds: float) -> None:
    """Until the objects, each with its uid, are gone. Raises TimedOut, which says what is left."""
    end = time.monotonic() + seconds
    for ref, uid in refs:
        while (item := find(cluster, ref)) is not None and item["metadata"]["uid"] == uid:
            left = end - time.monotonic()
            if left <= 0:
                held = ", ".join(item["metadata"].get("finalizers") or ["its own end"])
                raise TimedOut(f"{ref}: still there after {seconds:.0f} s; it waits for {held}")
            _await_event(cluster, ref, item["metadata"]["resourceVersion"], left)


def _await_event(cluster: Cluster, ref: Ref, version: str, seconds: float) -> None:
    """Until the object is gone, or a while has passed."""
    resource = cluster.resource(ref.api_version, ref.kind)
    with cluster.speaking(str(ref)):
        events = resource.watch(
            name=ref.name,
            namespace=ref.namespace or None,
            resource_version=version,
            timeout=max(1, min(_WATCH_SECONDS, int(seconds))),
        )
        for event in events:
            if event["type"] == "DELETED":
                events.close()
                return


def _locate(cluster: Cluster, manifest: Manifest) -> Manifest:
    ref = manifest.ref
    resource = cluster.resource(ref.api_version, ref.kind)
    namespace = (ref.namespace or cluster.namespace) if resource.namespaced else ""
    if namespace and cluster.pinned and namespace != cluster.namespace:
        raise manifest.place.at("metadata.namespace").error(
            f'is "{namespace}", but --namespace says "{cluster.namespace}"; leave one of them out'
        )
    return replace(manifest, ref=replace(ref, namespace=namespace))


def _dry(dry_run: bool) -> dict[str, Any]:
    return {"dry_run": "All"} if dry_run else {}


def _plain(_: Any, item: Object) -> Object:
    """JSON as it came, in the place of the library's objects with attributes."""
    return item
