"""A kustomize folder in the place of a file: what runs here is what `kubectl apply -k` applies."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.cli.main import main
from graph.errors import SpecError
from graph.local.build import read_file
from graph.spec.sources import read_manifests
from tests.deploy.render import MANIFESTS
from tests.deploy.rendered import OVERLAYS

OVERLAY = str(MANIFESTS / "overlays" / "cpu")
OWN = """
resources: [../cpu]
patches:
  - target: {kind: InferenceService, name: chat}
    patch: |-
      - op: replace
        path: /spec/predictor/containers/0/args/1
        value: --model=gguf:/my.gguf
"""


@pytest.fixture
def on_path(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program))


@pytest.mark.usefixtures("on_path")
def test_a_folder_reads_as_what_it_renders_to(render: Callable[[str], str]) -> None:
    assert read_manifests(OVERLAY) == (render("overlays/cpu"), OVERLAY)


@pytest.mark.usefixtures("on_path")
def test_objects_that_are_only_for_a_cluster_are_passed_over() -> None:
    objects = read_file(OVERLAY)
    assert [graph.name for graph in objects.graphs] == ["multilingual-chat"]
    assert "PersistentVolumeClaim/parley-models" in objects.others
    assert [name for name in objects.others if name.startswith("Job/parley-models-")]


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("folder", [*OVERLAYS, "overlays/gateway-embedded"])
def test_every_folder_lints_clean(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "lint", "--strict", str(MANIFESTS / folder)]) == 0
    assert capsys.readouterr().out == "nothing found\n"


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("command", [["serve", "--port=0"], ["chat"], ["ask", "Hello", "-f"]])
def test_models_that_are_not_pulled_are_named_all_at_once(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PARLEY_MODELS", str(tmp_path))
    assert main([*command, OVERLAY]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"parley: 3 models are not in {tmp_path}; run: parley models pull hf:")
    for name in ("facebook/blenderbot-400M-distill@", "google-t5/t5-small@", "/opus-mt-fr-en@"):
        assert line.count(name) == 1


def test_without_a_program_that_renders_a_folder_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["serve", OVERLAY]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"parley: {OVERLAY}: a folder is rendered by kubectl or kustomize")
    assert "install one of them" in line


def test_the_other_program_serves_as_well(
    kustomize: list[str],
    render: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = tmp_path / "kustomize"
    script.write_text(f'#!/bin/sh\ntest "$1" = build && exec {" ".join(kustomize)} "$2"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_manifests(OVERLAY) == (render("overlays/cpu"), OVERLAY)


def test_a_folder_without_a_kustomization_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match="manifests: a folder without kustomization.yaml"):
        read_file(str(MANIFESTS))


@pytest.mark.usefixtures("on_path")
def test_what_kustomize_says_of_a_broken_folder_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [absent.yaml]\n")
    with pytest.raises(SpecError) as caught:
        read_file(str(folder))
    assert str(caught.value).startswith(f"{folder}: `kubectl kustomize` refuses it: ")
    assert "absent.yaml" in str(caught.value) and "\n" not in str(caught.value)


# Norwegian's code is a boolean of YAML.
@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("code", ["de", "no"])
def test_the_italian_overlay_with_another_code_is_another_language(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    folder = tmp_path / "manifests" / "overlays" / "more"
    shutil.copytree(MANIFESTS / "overlays" / "italian", folder)
    for file in folder.rglob("*.yaml"):
        file.write_text(re.sub(r"\bit\b", code, file.read_text()))
    assert main(["graph", "lint", "--strict", str(folder)]) == 0
    assert capsys.readouterr().out == "nothing found\n"
    objects = read_file(str(folder))
    arguments = {s.name: s.container.args for s in objects.services if s.container}
    assert f"--languages=en,fr,{code}" in arguments["detector"]
    assert {f"--source={code}", "--target=en"} <= set(arguments[f"translate-{code}-en"])
    assert {"--source=en", f"--target={code}"} <= set(arguments[f"translate-en-{code}"])
    [graph] = objects.graphs
    assert [step.service_name for step in graph.nodes[code].steps] == [
        f"translate-{code}-en",
        "chat",
        f"translate-en-{code}",
    ]


@pytest.mark.usefixtures("on_path")
def test_an_overlay_of_ones_own_is_read_with_its_patches(tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    folder = tmp_path / "manifests" / "overlays" / "mine"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(OWN)
    [chat] = [service for service in read_file(str(folder)).services if service.name == "chat"]
    assert chat.container is not None
    assert chat.container.args == ("--model_name=chat", "--model=gguf:/my.gguf")
