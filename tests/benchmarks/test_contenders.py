"""The commands by which systems are started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.benchmarks.contenders import NAMES, PEER_OF, Given, name_of, system_of
from tests.benchmarks.systems import ROOT, system_to_json
from tests.benchmarks.systems import system_of as read_system
from tests.benchmarks.weights.searches import LENGTHS, SEARCHES
from tests.benchmarks.weights.store import Weights


@pytest.mark.parametrize("key", NAMES)
def test_every_system_has_a_command_and_its_name(key: str, given: Given):
    system = system_of(key, "beams", given)
    assert Path(system.command[0]).name.startswith("python")
    assert system.name == NAMES[key]
    assert read_system(system_to_json(system)) == system


@pytest.mark.parametrize("key", PEER_OF)
def test_a_peer_runs_in_its_own_environment(key: str, given: Given):
    assert system_of(key, "beams", given).command[0] == str(given.peers[PEER_OF[key]])


@pytest.mark.parametrize("search", SEARCHES)
def test_parley_serves_the_graph_of_the_manifests_on_the_weights_of_the_bench(
    search: str, given: Given
):
    system = system_of("parley", search, given)
    objects = list(yaml.safe_load_all(Path(system.command[-1]).read_text()))
    arguments = [
        argument
        for each in objects
        if each["kind"] == "InferenceService"
        for container in each["spec"]["predictor"]["containers"]
        for argument in container["args"]
        if argument.startswith("--model=")
    ]
    assert set(arguments) == {f"--model=/models/{search}/{family}" for family in LENGTHS}


def test_parley_of_another_tree_is_that_trees(given: Given, tmp_path: Path):
    tree = tmp_path / "other"
    shutil.copytree(ROOT / "manifests", tree / "manifests")
    system = system_of(f"parley@{tree}", "beams", given)
    assert system.folder == str(tree)
    assert system.environ["PYTHONPATH"].split(":") == [str(tree), str(ROOT)]
    assert name_of(f"parley@{tree}") == "Parley (other)"


@pytest.fixture
def given(tmp_path: Path) -> Given:
    converted = {s: {f: f"/models/{s}/{f}" for f in LENGTHS} for s in SEARCHES}
    sources = {s: {f: f"/sources/{s}/{f}" for f in LENGTHS} for s in SEARCHES}
    weights = Weights("tiny", "/models", sources, converted, ["oui"], ["yes"], {"t5": 1.0}, "x")
    peers = {name: Path(f"/{name}/bin/python") for name in PEER_OF.values()}
    return Given(weights, peers, "/kserve-router", tmp_path)
