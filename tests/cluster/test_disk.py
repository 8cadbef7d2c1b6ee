"""A cluster that its disk has no room for is not started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import disk


def test_a_disk_that_is_too_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(disk, "NEEDED", 10**21)
    with pytest.raises(disk.NoRoom, match=rf"{cache}: \d+\.\d GB are free of the 10+ GB"):
        disk.make_room({"PARLEY_CACHE": str(cache)})
    monkeypatch.setattr(disk, "NEEDED", 0)
    disk.make_room({"PARLEY_CACHE": str(cache)})
