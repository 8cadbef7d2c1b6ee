"""What commands hold on a live object against its file: replicas that were scaled, and a pause.

A file that says another number of replicas than `scale` did is not obeyed in that, or every upgrade
would undo what somebody did under load. `--force-conflicts` returns to the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.cluster.live import LIVE_MANAGER, MANAGER
from graph.cluster.objects import Object
from graph.errors import Conflict

# KServe's: an object that has it "true" keeps its spec, and loses its pods.
STOP = "serving.kserve.io/stop"
# Where an object of a kind has its replicas.
REPLICAS = {"InferenceService": ("spec", "predictor"), "InferenceGraph": ("spec",)}
_PAUSED = "It stays paused; `parley resume` ends that."
_MIN, _MAX = "minReplicas", "maxReplicas"
# As the API server names a field in a conflict.
_PATHS = {
    "." + ".".join(path): path
    for path in (
        *((*where, key) for where in REPLICAS.values() for key in (_MIN, _MAX)),
        ("metadata", "annotations", STOP),
    )
}


def give_way(body: Object, live: Object, conflict: Conflict) -> tuple[Object, tuple[str, ...]]:
    """The body without what commands hold, and a note for each; it may be forced then.

    Raises the conflict where somebody else owns a field. What Parley's manager owns itself by
    another operation than applying, such as what a webhook filled in, is no conflict.
    """
    owners = {manager for _, manager in conflict.fields}
    held = [_PATHS.get(field) for field, manager in conflict.fields if manager == LIVE_MANAGER]
    if owners - {MANAGER, LIVE_MANAGER} or None in held:
        raise conflict
    paths = [path for path in held if path is not None]
    notes = tuple(_describe(path, live, body) for path in paths if path[-1] != STOP)
    for path in paths:
        body = _without(body, path)
    return body, notes


def is_paused(item: Mapping[str, Any]) -> bool:
    """Whether KServe runs no pods for it; it reads the annotation without regard to case."""
    annotations = item["metadata"].get("annotations") or {}
    return str(annotations.get(STOP, "")).lower() == "true"


def note_pause(live: Object, body: Object) -> tuple[str, ...]:
    """That an object stays paused although its file does not say so."""
    return (_PAUSED,) if is_paused(live) and not is_paused(body) else ()


def replicas(kind: str, item: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The least and the most pods that an object asks for; None where it leaves that to KServe."""
    where: Any = item
    for key in REPLICAS[kind]:
        where = where.get(key) or {}
    return where.get(_MIN), where.get(_MAX)


def replicas_patch(kind: str, least: int, most: int) -> Object:
    """The merge patch that sets both."""
    patch: Object = {_MIN: least, _MAX: most}
    for key in reversed(REPLICAS[kind]):
        patch = {key: patch}
    return patch


def _describe(path: tuple[str, ...], live: Object, body: Object) -> str:
    return (
        f"{path[-1]} stays {_get(live, path)}, as it was scaled, not the file's {_get(body, path)}."
    )


def _get(item: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        item = item[key]
    return item


def _without(item: Object, path: tuple[str, ...]) -> Object:
    key, *rest = path
    if not rest:
        return {k: v for k, v in item.items() if k != key}
    return item | {key: _without(item[key], tuple(rest))}
