"""What Tab offers in a shell, with the script that `parley` gives it."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture
def complete(tmp_path):
    """The words that bash would offer at the end of a line."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "parley"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m graph.cli "$@"\n')
    program.chmod(0o755)
    environ = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(line, **more):
        words = line.split(" ")
        script = (
            'eval "$(_PARLEY_COMPLETE=source_bash parley)"\n'
            f"COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}\n"
            '_parley_completion parley\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        done = subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            timeout=45,
            env=environ | more,
            cwd=tmp_path,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return run


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("parley tra", ["translate"]),
        ("parley graph l", ["lint"]),
        ("parley models ", ["list", "pull", "convert", "verify", "rm"]),
        ("parley ask Hello --lang", ["--language"]),
        ("parley chat --output j", ["json"]),
        ("parley chat --language ", ["en", "fr"]),
        ("parley ask Hello --language f", ["fr"]),
        ("parley translate Hello --to ", ["en", "it"]),
        ("parley chat --url http://127.0.0.1:1 --language ", []),
        ("parley ask Hello --file none.yaml --language ", []),
        # The shell itself offers files where nothing is offered.
        ("parley serve ", []),
    ],
)
def test_tab_offers_commands_options_and_languages(complete, line, words):
    assert complete(line) == words


def test_the_languages_are_those_of_the_file(complete, tmp_path):
    text = (ROOT / "manifests" / "translator.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text)
    assert complete("parley chat mine.yaml --language ") == ["en", "it"]
    (tmp_path / "mine.yaml").write_text("{")
    assert complete("parley chat mine.yaml --language ") == []


def kubeconfig(folder, server):
    cluster = {"name": "here", "cluster": {"server": server}}
    contexts = [
        {"name": name, "context": {"cluster": "here", "user": "me"}} for name in ("home", "work")
    ]
    content: dict[str, object] = {"apiVersion": "v1", "kind": "Config", "current-context": "home"}
    content |= {"clusters": [cluster], "contexts": contexts}
    content |= {"users": [{"name": "me", "user": {"token": "x"}}]}
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return str(file)


@pytest.mark.parametrize("command", ["chat --cluster", "status"])
def test_tab_offers_contexts_without_asking_a_cluster(complete, tmp_path, command):
    file = kubeconfig(tmp_path, "http://127.0.0.1:1")
    line = f"parley {command} --context "
    assert complete(line, KUBECONFIG=file) == ["home", "work"]
    assert complete(f"{line}w", KUBECONFIG=file) == ["work"]
    assert complete(f"parley {command} --kubeconfig {file} --context h") == ["home"]
    assert complete(line, KUBECONFIG=str(tmp_path / "none")) == []


def test_a_cluster_that_does_not_answer_keeps_nobody_waiting(complete, tmp_path):
    """It would take a minute until the request for the namespaces is given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = kubeconfig(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert complete("parley status -n ", KUBECONFIG=file) == []
    assert complete("parley status -n ", KUBECONFIG=file) == []
