"""`parley status` and `open` on a real cluster, for anybody's services and graph."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from graph.cli.main import main
from graph.cluster.doors import find_door
from graph.cluster.parts.model import State
from graph.cluster.status import read_status
from graph.errors import Forbidden, NotFound, SpecError
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster

pytestmark = pytest.mark.cluster


def test_the_tree_shows_every_application(cluster: Cluster, chained: str) -> None:
    with strangers.connect(cluster, chained) as connected:
        status = read_status(connected)
    shown = [[part.name.partition("-")[0] for part in path] for path in status.walk()]
    assert shown == [
        ["chain"],
        ["chain", "first"],
        ["chain", "first", "first"],
        ["chain", "second"],
        ["chain", "second", "second"],
        ["chain", "chain"],
        ["chain", "chain", "chain"],
        ["alone"],
        ["alone", "alone"],
        ["alone", "alone", "alone"],
    ]
    assert {path[-1].state for path in status.walk()} == {State.READY}


def test_programs_read_json(
    cluster: Cluster, chained: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = str(cluster.kubectl.kubeconfig)
    assert main(["status", "-n", chained, "-o", "json", "--kubeconfig", kubeconfig]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ready"] is True
    assert [each["name"] for each in told["applications"]] == ["chain", "alone"]


def test_a_missing_right_is_named(cluster: Cluster, chained: str, tmp_path: Path) -> None:
    rules = [
        {"apiGroups": ["serving.kserve.io", "apps", "batch"], "resources": ["*"], "verbs": ["list"]}
    ]
    limited = kubeconfigs.of_account(cluster.kubectl, chained, rules, tmp_path)
    with strangers.connect(cluster, chained, limited) as connected:
        with pytest.raises(Forbidden, match=f'may not list pods in namespace "{chained}"'):
            read_status(connected)


def test_the_door_of_an_application_is_found(cluster: Cluster, chained: str) -> None:
    with strangers.connect(cluster, chained) as connected:
        assert find_door(connected, "chain") == "chain"
        assert find_door(connected, "alone") == "alone-predictor"
        assert find_door(connected, service="first") == "first-predictor"
        with pytest.raises(SpecError, match="name one of .'chain', 'alone'"):
            find_door(connected)
        with pytest.raises(NotFound, match='did you mean "first"'):
            find_door(connected, service="frist")


def test_open_prints_a_url_that_answers_until_ctrl_c(cluster: Cluster, chained: str) -> None:
    command = [sys.executable, "-m", "graph.cli", "open", "chain", "-n", chained]
    opened = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"KUBECONFIG": str(cluster.kubectl.kubeconfig)},
    )
    try:
        assert opened.stdout is not None
        url = opened.stdout.readline().strip()
        answer = httpx2.post(url, json={"instances": ["a"]}, timeout=30)
        assert answer.json() == {"predictions": ["a", "first:predict", "second:predict"]}
        opened.send_signal(signal.SIGINT)
        assert opened.wait(20) == 0
    finally:
        opened.kill()
        _, told = opened.communicate()
    assert told == f"forwards to chain in namespace {chained}; Ctrl-C ends it\n"
