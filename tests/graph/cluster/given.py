"""Objects as an API server gave them, read from the files beside the tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from graph.cluster.snapshot import KINDS, Snapshot

FOLDER = Path(__file__).parent / "objects"


def read_objects(file: str) -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all((FOLDER / file).read_text("utf-8")) if item]


TAKEN = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


def snapshot_of(
    objects: Iterable[dict[str, Any]], namespace: str, taken: datetime = TAKEN
) -> Snapshot:
    sorted_by_kind = defaultdict(list)
    for item in objects:
        sorted_by_kind[item["kind"]].append(item)
    by_kind = {kind: tuple(sorted_by_kind[kind.name]) for kind in KINDS}
    return Snapshot(namespace, by_kind, taken)
