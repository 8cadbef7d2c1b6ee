"""What `apply` would change: the objects as they are beside what the API server would make of them.

The server itself is asked, without any effect, so that its defaults and those of KServe's webhooks
are no differences. What it counts by itself is left out; the values of a Secret are not shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from graph.cluster.apply import Manner, put
from graph.cluster.connection import Cluster
from graph.cluster.live import locate
from graph.cluster.objects import (
    Manifest,
    Object,
    Ref,
    Source,
    read_objects,
    without_server_fields,
)
from graph.errors import NamespaceMissing


@dataclass(frozen=True)
class Difference:
    """text: a unified diff of the object's YAML, "" where there is no difference."""

    ref: Ref
    text: str
    notes: tuple[str, ...] = ()


def diff(
    cluster: Cluster,
    sources: Source | Iterable[Source],
    *,
    any_kind: bool = False,
    force_conflicts: bool = False,
    namespaced: bool = False,
) -> list[Difference]:
    """For each object what `apply` with the same arguments would change; nothing is changed.

    Raises SpecError and ClusterError as `apply` does.
    """
    manner = Manner(force_conflicts, replace_jobs=True)
    manifests = locate(cluster, read_objects(sources, any_kind))
    to_come = {m.ref.name for m in manifests if m.ref.kind == "Namespace"}
    chosen = [m for m in manifests if m.ref.namespace or not namespaced]
    return [_compare(cluster, manifest, manner, to_come) for manifest in chosen]


def _compare(cluster: Cluster, manifest: Manifest, manner: Manner, to_come: set[str]) -> Difference:
    before: Object | None = None
    notes: tuple[str, ...] = ()
    try:
        outcome = put(cluster, manifest, manner, dry_run=True)
        before, after, notes = outcome.before, outcome.after, outcome.notes
    except NamespaceMissing:
        if manifest.ref.namespace not in to_come:
            raise
        after = manifest.body
    ref = manifest.ref
    old, new = _shown(before), _shown(after)
    if ref.kind == "Secret":
        old, new = _masked(old, new, "before"), _masked(new, old, "after")
    lines = difflib.unified_diff(_lines(old), _lines(new), f"live/{ref}", f"applied/{ref}")
    return Difference(ref, "".join(lines), notes)


def _shown(item: Object | None) -> Object:
    return without_server_fields(item) if item else {}


def _lines(item: Object) -> list[str]:
    if not item:
        return []
    return yaml.safe_dump(item, allow_unicode=True, width=1000).splitlines(keepends=True)


def _masked(secret: Object, other: Object, when: str) -> Object:
    """A Secret whose values are not told, only whether they differ from those of the other."""

    def mask(key: str, name: str, value: Any) -> str:
        return "***" if value == (other.get(key) or {}).get(name) else f"*** ({when})"

    return {
        key: {name: mask(key, name, inner) for name, inner in (value or {}).items()}
        if key in ("data", "stringData")
        else value
        for key, value in secret.items()
    }
