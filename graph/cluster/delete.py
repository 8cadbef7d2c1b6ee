"""Delete what was applied, and only that, in the reverse order of applying.

What `apply` applied is known by its field manager, so that objects of others stay, under whatever
name they are. Volumes and the namespace hold what nobody can make again, and are deleted only where
they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from graph.cluster.connection import Cluster
from graph.cluster.kinds import rank
from graph.cluster.live import (
    await_gone,
    find,
    is_applied,
    is_going,
    locate,
    managers,
    remove,
)
from graph.cluster.objects import Object, Ref, Source, read_objects, reference
from graph.cluster.search import find_applied, find_others
from graph.errors import Refused

# Pods drain for up to 70 s, and those of KServe's router take half a minute.
SECONDS = 180.0


class Fate(StrEnum):
    DELETED = "deleted"
    ABSENT = "not there"
    LEFT = "left"


@dataclass(frozen=True)
class Removal:
    """What became of one object. reason: why it was left, else empty."""

    ref: Ref
    fate: Fate
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """An object of `delete`: as it is on the cluster, None where it is not there."""

    ref: Ref
    item: Object | None


@dataclass(frozen=True)
class Scope:
    """What is deleted. swept: all that was applied to the namespace, not what files name."""

    cluster: Cluster
    swept: bool
    volumes: bool
    with_namespace: bool
    dry_run: bool
    # What is being deleted already: its uids.
    going: dict[str, Ref] = field(default_factory=dict)


def delete(
    cluster: Cluster,
    sources: Source | Iterable[Source] | None = None,
    *,
    volumes: bool = False,
    with_namespace: bool = False,
    any_kind: bool = False,
    dry_run: bool = False,
    timeout: float = SECONDS,
    on_removal: Callable[[Removal], None] = lambda _: None,
) -> list[Removal]:
    """Delete the objects of files, folders or Python; without them all of ours in the namespace.

    volumes: also PersistentVolumeClaims, with what is on them.  with_namespace: also the Namespace,
    unless something is left in it.  timeout: seconds to wait until all is gone; 0 does not wait.
    any_kind: without sources, look among all kinds for what was applied.

    What is left is among the removals, with the reason; without sources, so is what others have
    there. Raises ClusterError; TimedOut, which says what holds an object, where it is not gone in
    time.
    """
    scope = Scope(cluster, sources is None, volumes, with_namespace, dry_run)
    found = _sweep(cluster, any_kind) if sources is None else _named(cluster, sources)
    removals = []
    for each in sorted(found, key=lambda f: rank(f.ref.group, f.ref.kind), reverse=True):
        removals.append(_remove(each, scope))
        on_removal(removals[-1])
    if timeout and not dry_run:
        await_gone(cluster, [(ref, uid) for uid, ref in scope.going.items()], timeout)
    return removals


def _named(cluster: Cluster, sources: Source | Iterable[Source]) -> Iterator[Found]:
    """The objects of the sources; one of a foreign kind was applied with any_kind."""
    for manifest in locate(cluster, read_objects(sources, any_kind=True)):
        yield Found(manifest.ref, find(cluster, manifest.ref))


def _sweep(cluster: Cluster, any_kind: bool) -> Iterator[Found]:
    for item in (*find_applied(cluster, any_kind), *find_others(cluster)):
        yield Found(reference(item), item)


def _remove(found: Found, scope: Scope) -> Removal:
    ref, item = found.ref, found.item
    if item is None:
        return Removal(ref, Fate.ABSENT)
    reason = _reason_to_leave(ref, item, scope)
    if reason:
        return Removal(ref, Fate.LEFT, reason)
    uid = item["metadata"]["uid"]
    if not is_going(item):
        try:
            remove(scope.cluster, ref, uid, dry_run=scope.dry_run)
        except Refused as err:
            return Removal(ref, Fate.LEFT, err.message)
    scope.going[uid] = ref
    return Removal(ref, Fate.DELETED)


def _reason_to_leave(ref: Ref, item: Object, scope: Scope) -> str:
    if not is_applied(item):
        # The API server keeps no manager of an object of which nothing but the name was applied.
        others = ", ".join(managers(item)) or "nobody who is known"
        return f"was applied by {others}, not by parley"
    if ref.kind == "Namespace":
        return _reason_to_leave_namespace(ref, scope)
    if ref.kind == "PersistentVolumeClaim" and not scope.volumes:
        return "what is on it would be lost; --volumes deletes it"
    if scope.swept and not ref.namespace:
        return "is of the whole cluster; name its file to delete it"
    return ""


def _reason_to_leave_namespace(ref: Ref, scope: Scope) -> str:
    """A namespace takes everything in it along, so nothing else may be in it."""
    if not scope.with_namespace:
        return "--with-namespace deletes it"
    inside = replace(scope.cluster, namespace=ref.name)
    others = [
        str(reference(item))
        for item in (*find_applied(inside), *find_others(inside))
        if item["metadata"].get("namespace") and item["metadata"]["uid"] not in scope.going
    ]
    return f"{', '.join(others)} would be lost with it; delete that first" if others else ""
