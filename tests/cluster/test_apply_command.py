"""`parley apply`, `diff`, `scale`, `pause` and `delete` as typed: output and exit codes."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from graph.cli.main import main
from tests.cluster import kubeconfigs
from tests.cluster.harness import Cluster
from tests.cluster.small import claim, config_map, idle
from tests.graph.cli.test_terminal import Terminal

pytestmark = pytest.mark.cluster


@pytest.fixture
def target(cluster: Cluster, space: str) -> list[str]:
    """The options that name the namespace of the test."""
    return ["-n", space, "--kubeconfig", str(cluster.kubectl.kubeconfig)]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all([idle("one", minReplicas=1, maxReplicas=1)]))
    return str(path)


def test_a_person_reads_one_line_for_each_object(
    target: list[str], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "inferenceservice.serving.kserve.io/one"
    for arguments, code, out, notes in (
        (["apply", file, "--dry-run=server"], 0, f"{name} created (server dry run)\n", ""),
        (["apply", "-f", file], 0, f"{name} created\n", ""),
        (["apply", file], 0, f"{name} unchanged\n", ""),
        (["diff", file], 0, "", ""),
        (["scale", "one", "2", "--max", "4"], 0, f"{name} scaled to 2 to 4 (was 1)\n", ""),
        (["pause", "isvc/one"], 0, f"{name} paused\n", ""),
        (["resume", "--all"], 0, f"{name} resumed\n", ""),
        (["delete", file, "--yes"], 0, f"{name} deleted\n", ""),
        (["delete", file, "--yes"], 0, f"{name} not there\n", ""),
    ):
        assert main([*arguments, *target]) == code
        assert capsys.readouterr() == (out, notes)


def test_what_a_command_leaves_is_told_beside_it(
    target: list[str], file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more.yaml"
    more.write_text(yaml.safe_dump(claim("models")))
    assert main(["apply", file, str(more), *target, "-o", "name"]) == 0
    assert main(["scale", "one", "3", *target]) == 0
    assert main(["pause", "one", *target]) == 0
    capsys.readouterr()
    assert main(["apply", file, *target]) == 0
    _, notes = capsys.readouterr()
    assert notes.splitlines() == [
        "InferenceService/one: maxReplicas stays 3, as it was scaled, not the file's 1.",
        "InferenceService/one: minReplicas stays 3, as it was scaled, not the file's 1.",
        "InferenceService/one: It stays paused; `parley resume` ends that.",
    ]
    assert main(["delete", "--yes", *target]) == 0
    out, notes = capsys.readouterr()
    assert out == "inferenceservice.serving.kserve.io/one deleted\n"
    assert notes.startswith("PersistentVolumeClaim/models is left: what is on it would be lost")


def test_programs_read_json_yaml_and_names(
    target: list[str], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", file, *target, "-o", "json"]) == 0
    [created] = json.loads(capsys.readouterr().out)
    assert created == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "name": "one",
        "namespace": target[1],
        "change": "created",
    }
    assert main(["scale", "one", "2", *target, "-o", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)[0]["maxReplicas"] == 2
    assert main(["pause", "--all", *target, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["paused"] is True
    assert main(["delete", *target, "--yes", "-o", "name"]) == 0
    assert capsys.readouterr().out == "inferenceservice.serving.kserve.io/one\n"
    assert main(["delete", *target, "--yes", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_diff_exits_1_where_something_differs_and_2_where_it_cannot_be_made(
    target: list[str], file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", file, *target]) == 1
    out, notes = capsys.readouterr()
    assert out.startswith("--- live/InferenceService/one\n+++ applied/InferenceService/one\n")
    assert (out.count("\n+  name: one\n"), notes) == (1, "")
    assert main(["diff", file, "-n", "parley-none-such", *target[2:]]) == 2
    assert main(["diff", str(tmp_path / "none.yaml"), *target]) == 2


def test_bad_input_is_one_line_and_changes_nothing(
    target: list[str],
    cluster: Cluster,
    file: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = kubeconfigs.read(cluster.kubectl)
    config["users"][0]["user"] = {"token": "expired"}
    expired = tmp_path / "expired"
    expired.write_text(yaml.safe_dump(config))
    config["clusters"][0]["cluster"] = {"server": "https://127.0.0.1:1"}
    away = tmp_path / "away"
    away.write_text(yaml.safe_dump(config))
    broken = tmp_path / "broken.yaml"
    broken.write_text("kind: [")
    foreign = tmp_path / "foreign.yaml"
    foreign.write_text("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}}")
    for arguments, code, words in (
        ([str(broken), *target], 2, f"{broken}: not YAML: line 1"),
        ([str(foreign), *target], 2, "StatefulSet is not of KServe"),
        ([file, "--kubeconfig", str(expired)], 1, "does not know who asks"),
        ([file, "--kubeconfig", str(away)], 1, "https://127.0.0.1:1: no connection"),
        ([file, "--kubeconfig", str(tmp_path / "none")], 2, "is not there; set KUBECONFIG"),
        ([file, "--context", "none", *target], 2, 'has no context "none"'),
        ([file, "-n", "parley-none-such", *target[2:]], 1, "create namespace parley-none-such"),
    ):
        assert main(["apply", *arguments]) == code
        out, notes = capsys.readouterr()
        assert words in notes
        assert (out, notes.count("\n")) == ("", 1)
    assert not cluster.kubectl.exists("isvc", "one", target[1])


def test_a_failure_in_the_middle_says_on_stdout_what_was_applied(
    target: list[str], cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    have = len(cluster.kubectl.list("configmaps", target[1]))
    quota = f"--hard=count/configmaps={have + 1}"
    cluster.kubectl("create", "quota", "few", quota, "-n", target[1])
    cluster.kubectl.wait("quota/few", "jsonpath={.status.hard}", target[1])
    file = tmp_path / "maps.yaml"
    file.write_text(yaml.safe_dump_all([config_map("a"), config_map("b")]))
    assert main(["apply", str(file), *target]) == 1
    out, notes = capsys.readouterr()
    assert out == "configmap/a created\n"
    assert notes.endswith("; applied: ConfigMap/a; not applied: ConfigMap/b\n")


def test_deleting_asks_only_where_there_is_a_terminal(
    target: list[str], cluster: Cluster, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", file, *target]) == 0
    capsys.readouterr()
    assert main(["delete", *target]) == 2
    assert "--yes deletes without asking" in capsys.readouterr().err
    for answer, end, left in (("n\n", "nothing was deleted", True), ("y\n", "one deleted", False)):
        with closing(Terminal(sys.executable, "-m", "graph.cli", "delete", *target)) as terminal:
            terminal.wait_for("InferenceService/one in namespace")
            terminal.wait_for("Delete these? [y/N]: ")
            terminal.type(answer)
            terminal.wait_for(end)
            assert terminal.process.wait(timeout=60) == int(left)
        assert cluster.kubectl.exists("isvc", "one", target[1]) is left
