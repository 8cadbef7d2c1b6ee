"""Apply objects: server-side, in order, and only after the server has accepted each of them.

Every object is tried first without any effect, so that what the server would refuse is known
before anything is changed. What `scale` and `pause` set is left as it is, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from graph.cluster.connection import Cluster
from graph.cluster.held import give_way, note_pause
from graph.cluster.live import await_gone, find, is_going, locate, patch_applied, remove
from graph.cluster.objects import (
    Manifest,
    Object,
    Ref,
    Source,
    read_objects,
)
from graph.cluster.outcome import Action, Outcome
from graph.errors import ClusterError, Conflict, Forbidden, NamespaceMissing, Refused, Unreachable

# How often an object is looked at again that somebody else has just changed.
_LOOKS = 5
# A predictor drains for up to 70 s before it is gone.
GOING_SECONDS = 120.0


@dataclass(frozen=True)
class Change:
    """What became of one object. notes: what a person should know of it, in short sentences."""

    ref: Ref
    action: Action
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manner:
    """force_conflicts: take over what others own.  replace_jobs: make a Job anew that differs.

    on_wait: is called with an object whose end is waited for.
    """

    force_conflicts: bool = False
    replace_jobs: bool = False
    on_wait: Callable[[Ref], None] = lambda _: None


def apply(
    cluster: Cluster,
    sources: Source | Iterable[Source],
    *,
    dry_run: bool = False,
    any_kind: bool = False,
    force_conflicts: bool = False,
    replace_jobs: bool = False,
    namespaced: bool = False,
    on_change: Callable[[Change], None] = lambda _: None,
    on_wait: Callable[[Ref], None] = lambda _: None,
) -> list[Change]:
    """Apply the objects of files, folders or Python, in the order in which they need each other.

    dry_run: only ask the server what it would do.  any_kind: also kinds that are not of KServe.
    namespaced: leave out what is of the whole cluster, such as the Namespace itself.
    on_change: is called for each object as soon as it is applied.  on_wait: before it waits for the
    end of an object that is being deleted, because what is applied to it would go too.

    Raises SpecError for what cannot be read, and ClusterError; its `applied` and `left` say what
    was applied before it and what was not. Where the server refuses an object, nothing is applied.
    """
    manner = Manner(force_conflicts, replace_jobs, on_wait)
    manifests = locate(cluster, read_objects(sources, any_kind))
    chosen = [m for m in manifests if m.ref.namespace or not namespaced]
    tried = _try_all(cluster, chosen, manner, whole=dry_run)
    left_out = [Change(m.ref, Action.LEFT_OUT) for m in manifests if m not in chosen]
    for change in [*left_out, *(tried if dry_run else ())]:
        on_change(change)
    return left_out + (tried if dry_run else _apply_all(cluster, chosen, manner, on_change))


def put(cluster: Cluster, manifest: Manifest, manner: Manner, *, dry_run: bool = False) -> Outcome:
    """Apply one object. Raises ClusterError."""
    outcome = _put(cluster, manifest, manner, dry_run)
    for _ in range(_LOOKS if dry_run else 0):
        if outcome.is_ours:
            break
        outcome = _put(cluster, manifest, manner, dry_run)
    return outcome


def _put(cluster: Cluster, manifest: Manifest, manner: Manner, dry_run: bool) -> Outcome:
    ref = manifest.ref
    before = find(cluster, ref)
    if before is not None and is_going(before):
        if dry_run:
            return Outcome(None, manifest.body, ("The one that is there is being deleted.",))
        _await_end(cluster, ref, before, manner)
        before = None
    try:
        after, notes = _patch(cluster, manifest, manner, before, dry_run)
    except Refused as err:
        if not err.immutable or before is None:
            raise
        return _replace(cluster, manifest, manner, before, err, dry_run)
    return Outcome(before, after, (*notes, *note_pause(after, manifest.body)))


def _try_all(
    cluster: Cluster, manifests: Sequence[Manifest], manner: Manner, whole: bool
) -> list[Change]:
    """What the server would do. whole: nobody applies them afterwards, so every answer counts."""
    to_come = {m.ref.name for m in manifests if m.ref.kind == "Namespace"}
    changes = []
    for manifest in manifests:
        try:
            outcome = put(cluster, manifest, manner, dry_run=True)
        except NamespaceMissing as err:
            if manifest.ref.namespace not in to_come:
                err.add("nothing was applied")
                raise
            changes.append(Change(manifest.ref, Action.CREATED))
        except ClusterError as err:
            if isinstance(err, Forbidden) and not manifest.ref.namespace:
                err.add("--namespaced leaves out what is of the whole cluster")
            # An admission webhook may not know what a dry run is.
            if whole or "does not support dry run" not in err.message:
                err.add("nothing was applied")
                raise
        else:
            changes.append(Change(manifest.ref, outcome.action, outcome.notes))
    return changes


def _apply_all(
    cluster: Cluster,
    manifests: Sequence[Manifest],
    manner: Manner,
    tell: Callable[[Change], None],
) -> list[Change]:
    changes: list[Change] = []
    for number, manifest in enumerate(manifests):
        try:
            outcome = put(cluster, manifest, manner)
        except ClusterError as err:
            _say_the_rest(err, changes, manifests[number:])
            raise
        changes.append(Change(manifest.ref, outcome.action, outcome.notes))
        tell(changes[-1])
    return changes


def _say_the_rest(err: ClusterError, changes: Sequence[Change], rest: Sequence[Manifest]) -> None:
    err.applied = tuple(str(change.ref) for change in changes)
    err.left = tuple(str(manifest.ref) for manifest in rest)
    err.add(f"applied: {', '.join(err.applied) or 'nothing'}")
    if isinstance(err, Unreachable):
        # It may have come to the server, whose answer did not come back.
        err.add(f"not known: {err.left[0]}")
        err.left = err.left[1:]
    err.add(f"not applied: {', '.join(err.left) or 'nothing else'}")


def _patch(
    cluster: Cluster, manifest: Manifest, manner: Manner, before: Object | None, dry_run: bool
) -> tuple[Object, tuple[str, ...]]:
    """The object afterwards, and notes on what was left as it is."""
    force = manner.force_conflicts
    try:
        after = patch_applied(cluster, manifest.ref, manifest.body, dry_run=dry_run, force=force)
        return after, ()
    except Conflict as err:
        if before is None:
            raise
        body, notes = give_way(manifest.body, before, err)
    after = patch_applied(cluster, manifest.ref, body, dry_run=dry_run, force=True)
    return after, notes


def _replace(
    cluster: Cluster,
    manifest: Manifest,
    manner: Manner,
    before: Object,
    err: Refused,
    dry_run: bool,
) -> Outcome:
    """Makes a Job anew; raises `err` with its fix for any other kind, and where it is not asked."""
    ref = manifest.ref
    fields = ", ".join(err.immutable)
    if ref.kind != "Job":
        raise Refused(
            f"{ref}: {fields} cannot be changed; "
            f"write it as it is on the cluster, or delete {ref} first, with all that is in it",
            err.immutable,
        ) from err
    if not manner.replace_jobs:
        raise Refused(
            f"{ref}: {fields} cannot be changed; --replace-jobs deletes the Job and makes it anew",
            err.immutable,
        ) from err
    if dry_run:
        return Outcome(before, manifest.body, replaced=True)
    remove(cluster, ref, before["metadata"]["uid"])
    _await_end(cluster, ref, before, manner)
    after = patch_applied(cluster, ref, manifest.body)
    return replace(Outcome(before, after), replaced=True)


def _await_end(cluster: Cluster, ref: Ref, going: Object, manner: Manner) -> None:
    manner.on_wait(ref)
    await_gone(cluster, [(ref, going["metadata"]["uid"])], GOING_SECONDS)
