"""Scale, pause and resume what runs: on the live object, under a field manager of its own.

A later `apply` leaves it as it is and says so. KServe puts the replicas into the autoscaler that it
makes, or into the Deployment where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graph.cluster.connection import Cluster
from graph.cluster.held import STOP, is_paused, replicas, replicas_patch
from graph.cluster.live import find, list_metadata, patch_live
from graph.cluster.naming import GRAPH, SERVICE, split_name
from graph.cluster.objects import Object, Ref, reference
from graph.cluster.search import find_namespace
from graph.errors import NotFound, Refused, SpecError, find_nearest

_AUTOSCALER = "serving.kserve.io/autoscalerClass"


@dataclass(frozen=True)
class Scaled:
    """How many pods an object asks for, before and now: the least and the most."""

    ref: Ref
    before: tuple[int | None, int | None]
    now: tuple[int, int]


@dataclass(frozen=True)
class Paused:
    """changed: false where it was so already."""

    ref: Ref
    paused: bool
    changed: bool


def scale(
    cluster: Cluster, name: str, least: int, most: int | None = None, *, dry_run: bool = False
) -> Scaled:
    """So many pods of an InferenceService's predictor, or of a graph's router.

    name: as `chat`, or with its kind, `ig/chat`.  most: up to so many where there is load; without
    it exactly `least`. Raises SpecError for a number that KServe does not obey, and ClusterError.
    """
    most = least if most is None else most
    if least < 1:
        raise SpecError(f"{name}: cannot have {least} pods; `parley pause {name}` stops it")
    if most < least:
        raise SpecError(f"{name}: the most, {most}, is less than the least, {least}")
    ref, item = find_by_name(cluster, name)
    _check_autoscaler(ref, item)
    patch_live(cluster, ref, replicas_patch(ref.kind, least, most), dry_run=dry_run)
    return Scaled(ref, replicas(ref.kind, item), (least, most))


def pause(
    cluster: Cluster, names: Iterable[str] | None = None, *, dry_run: bool = False
) -> list[Paused]:
    """Stop the pods of services and graphs, which keep their objects; `resume` brings them back.

    names: without them, all of the namespace. KServe deletes their Deployments and Services.
    Raises ClusterError.
    """
    return [_set_pause(cluster, *each, True, dry_run) for each in _find_all(cluster, names)]


def resume(
    cluster: Cluster, names: Iterable[str] | None = None, *, dry_run: bool = False
) -> list[Paused]:
    """Undo `pause`, whoever paused them. Services come first, because a graph waits for its own.

    names: without them, all of the namespace. Raises ClusterError.
    """
    return [_set_pause(cluster, *each, False, dry_run) for each in _find_all(cluster, names)]


def find_by_name(cluster: Cluster, name: str) -> tuple[Ref, Object]:
    """An InferenceService or InferenceGraph by its name, or by `kind/name`.

    Raises NotFound, which names a near one, or NamespaceMissing; SpecError where both have the
    name.
    """
    kinds, short = split_name(name)
    refs = [Ref(*kind, short, cluster.namespace) for kind in kinds]
    found = [(ref, item) for ref in refs if (item := find(cluster, ref)) is not None]
    if len(found) > 1:
        raise SpecError(f"{name}: is a service and a graph; write isvc/{short} or ig/{short}")
    if not found:
        raise _not_found(cluster, name, kinds)
    return found[0]


def _find_all(cluster: Cluster, names: Iterable[str] | None) -> list[tuple[Ref, Object]]:
    if names is not None:
        return [find_by_name(cluster, name) for name in names]
    chosen = [(reference(item), item) for item in _list(cluster, [SERVICE, GRAPH])]
    if not chosen:
        find_namespace(cluster)
        raise NotFound(f'no InferenceService or InferenceGraph in namespace "{cluster.namespace}"')
    return chosen


def _list(cluster: Cluster, kinds: Iterable[tuple[str, str]]) -> list[Object]:
    resources = [cluster.resource(*kind) for kind in kinds]
    return [i for each in resources for i in list_metadata(cluster, each, cluster.namespace)]


def _not_found(cluster: Cluster, name: str, kinds: Iterable[tuple[str, str]]) -> NotFound:
    find_namespace(cluster)
    short = name.rpartition("/")[2]
    near = find_nearest(short, [item["metadata"]["name"] for item in _list(cluster, kinds)])
    hint = f'; did you mean "{near}"?' if near else ""
    kind = " or ".join(kind for _, kind in kinds)
    return NotFound(f'no {kind} "{short}" in namespace "{cluster.namespace}"{hint}')


def _check_autoscaler(ref: Ref, item: Object) -> None:
    """KServe leaves the replicas alone where the autoscaler is not its own."""
    annotations = item["metadata"].get("annotations") or {}
    if annotations.get(_AUTOSCALER) == "external":
        raise Refused(
            f"{ref}: an autoscaler of your own decides on its pods ({_AUTOSCALER}: external); "
            "scale by its minReplicas"
        )


def _set_pause(cluster: Cluster, ref: Ref, item: Object, paused: bool, dry_run: bool) -> Paused:
    changed = is_paused(item) is not paused
    if changed:
        value = "true" if paused else None
        patch_live(cluster, ref, {"metadata": {"annotations": {STOP: value}}}, dry_run=dry_run)
    return Paused(ref, paused, changed)
