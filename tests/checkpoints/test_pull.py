"""Pulling from a hub: a real HTTP server that speaks as much of the hub's protocol as is used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.conversion.convert import convert
from predictors.models.manifest import check_folder, read_manifest
from predictors.models.pull import pull
from predictors.models.resolve import resolve
from tests.tools.hub import Hub, served

REVISION = "0123456789abcdef0123456789abcdef01234567"
MODEL = f"hf:toy/marian@{REVISION}"


@pytest.fixture
def hub(checkpoint: Callable[[str], Path], tmp_path: Path) -> Iterator[Hub]:
    shutil.copytree(checkpoint("marian"), tmp_path / "hub" / "toy" / "marian")
    with served(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_a_pull_is_whole_pinned_and_made_once(hub: Hub, cache: Path) -> None:
    unwanted = {"README.md": "#", "code.py": "raise SystemExit", "pytorch_model.bin": "x"}
    for name, text in unwanted.items():
        (hub.folder / "toy" / "marian" / name).write_text(text)
    folder = pull(MODEL, str(cache), environ=hub.environ)
    manifest = read_manifest(folder)
    assert manifest.source == MODEL
    assert not set(unwanted) & set(manifest.files)
    check_folder(folder, manifest)
    sent = dict(hub.sent)
    assert pull(MODEL, str(cache), environ=hub.environ) == folder
    assert hub.sent == sent
    assert resolve(MODEL, str(cache), engine="transformers").path == folder
    converted = convert(MODEL, str(cache))
    assert resolve(MODEL, str(cache)).path == converted


def test_an_interrupted_pull_goes_on_where_it_stopped(hub: Hub, cache: Path) -> None:
    hub.refused = {"toy/marian/vocab.json"}
    with pytest.raises(ModelError, match="cannot be pulled"):
        pull(MODEL, str(cache), environ=hub.environ)
    assert not list((cache / "hf").glob("[!.]*"))
    weights = hub.sent["toy/marian/model.safetensors"]
    hub.refused = set()
    check_folder(*(lambda f: (f, read_manifest(f)))(pull(MODEL, str(cache), environ=hub.environ)))
    assert hub.sent["toy/marian/model.safetensors"] == weights


def test_a_file_that_is_not_the_hubs_is_refused_by_name(hub: Hub, cache: Path) -> None:
    hub.claimed["toy/marian/model.safetensors"] = "0" * 64
    with pytest.raises(ModelError, match="model.safetensors: its SHA-256 is not the hub's"):
        pull(MODEL, str(cache), environ=hub.environ)
    assert not list((cache / "hf").glob("[!.]*"))


def test_a_hub_that_is_not_there_is_one_line(cache: Path) -> None:
    with pytest.raises(ModelError, match="cannot be pulled") as caught:
        pull(MODEL, str(cache), environ={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "\n" not in str(caught.value)
