"""A pull's progress, in bytes, from a real HTTP server that speaks the hub's protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.models.pull import pull
from tests.tools.hub import Hub, served

REVISION = "0123456789abcdef0123456789abcdef01234567"
MODEL = f"hf:toy/model@{REVISION}"
TENSOR = 3_000_000


def write_checkpoint(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    write_tensor(folder / "model.safetensors")


def write_tensor(path: Path) -> None:
    """A file of one tensor, whose meaning nobody asks for."""
    tensor = {"dtype": "U8", "shape": [TENSOR], "data_offsets": [0, TENSOR]}
    header = json.dumps({"weights": tensor}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(TENSOR))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    write_checkpoint(tmp_path / "hub" / "toy" / "model")
    with served(tmp_path / "hub") as hub:
        yield hub


class Shown:
    """What the progress shows of the pull itself: done and total."""

    def __init__(self) -> None:
        self.pairs: list[tuple[int, int]] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        if what.startswith("pulling"):
            self.pairs.append((done, total))


def size_of(hub: Hub) -> int:
    return sum(path.stat().st_size for path in hub.files("toy/model").values())


def test_a_pull_counts_bytes_from_nothing_to_all(hub: Hub, tmp_path: Path) -> None:
    shown = Shown()
    pull(MODEL, str(tmp_path / "cache"), shown, hub.environ)
    size = size_of(hub)
    assert {total for _, total in shown.pairs} == {size}
    done = [done for done, _ in shown.pairs]
    assert (done[0], done[-1]) == (0, size)
    assert any(0 < each < size for each in done)


def test_a_pull_that_goes_on_counts_what_is_there_already(hub: Hub, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    write_tensor(hub.folder / "toy" / "model" / "more.safetensors")
    # The first pull ends with this file refused, and the other one there.
    hub.claimed["toy/model/more.safetensors"] = "0" * 64
    with pytest.raises(ModelError, match="more.safetensors: its SHA-256 is not the hub's"):
        pull(MODEL, cache, environ=hub.environ)
    sent = hub.sent["toy/model/model.safetensors"]
    hub.claimed.clear()
    shown = Shown()
    pull(MODEL, cache, shown, hub.environ)
    assert hub.sent["toy/model/model.safetensors"] == sent
    size = size_of(hub)
    assert TENSOR < shown.pairs[0][0] < size and shown.pairs[-1] == (size, size)


def test_a_file_of_a_folder_inside_is_left_there(hub: Hub, tmp_path: Path) -> None:
    inside = hub.folder / "toy" / "model" / "onnx"
    inside.mkdir()
    (inside / "config.json").write_text("{}")
    folder = pull(MODEL, str(tmp_path / "cache"), environ=hub.environ)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["config.json", "model.safetensors", "parley.json"]
