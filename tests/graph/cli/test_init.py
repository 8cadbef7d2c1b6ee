"""`parley init`: one file in your languages, and what it refuses to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.cli.main import main
from graph.local.build import build, read_file


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_one_file_that_the_local_runner_builds(folder, capsys):
    assert main(["init", "--languages", "fr, es", "--embedded"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("wrote chat.yaml; next: parley chat chat.yaml, or parley apply")
    assert [path.name for path in folder.iterdir()] == ["chat.yaml"]
    graph = build(read_file("chat.yaml"), "chat.yaml")
    assert {*graph.handlers} == {
        "detector", "chat", "translate-es-en", "translate-en-es", "translate-fr-en",
        "translate-en-fr",
    }  # fmt: skip
    graph.close()


@pytest.mark.parametrize("options", [["--embedded"], [], ["--gpu", "nvidia.com/gpu"]])
def test_lint_finds_nothing_in_what_it_writes(options, capsys):
    assert main(["init", "--languages", "fr,es,it", *options]) == 0
    assert main(["graph", "lint", "--strict", "chat.yaml"]) == 0


def test_a_hyphen_prints_it_and_nothing_else(folder, capsys):
    assert main(["init", "-o", "-"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("# A chat in en, fr, written by `parley init`.\n")
    assert said.err == "" and not [*folder.iterdir()]


def test_a_file_that_is_there_is_left_alone_unless_it_is_forced(folder, capsys):
    (folder / "mine.yaml").write_text("precious")
    assert main(["init", "-o", "mine.yaml"]) == 2
    assert capsys.readouterr().err == "parley: mine.yaml: is there already; --force overwrites it\n"
    assert (folder / "mine.yaml").read_text() == "precious"
    assert main(["init", "-o", "mine.yaml", "--force"]) == 0
    assert (folder / "mine.yaml").read_text().startswith("# A chat")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--languages", "sp", "--embedded"], "for 'sp'; known are de, es, fr, it; or leave"),
        (["--languages", "fr,sp"], "known are bg, cs, da, de, el, es, fi, fr, hu,"),
        (["--languages", "en"], "--languages: name at least one besides English"),
        (["--languages", ""], "no model is known for ''"),
        (["--languages", "frr", "--translator", "hf:a/b@c"], "'frr' is no code of ISO 639-1"),
        (["--translator", "nllb"], "--translator nllb: write hf:ID@REVISION"),
        (["--embedded", "--gpu", "nvidia.com/gpu"], "--embedded has models of its own, for CPUs"),
        (["--gpu", "gpu"], "gpu: no extended resource; write one such as nvidia.com/gpu"),
        (["--namespace", "My_Chat"], "--namespace My_Chat: no name of a namespace"),
        (["--host", "https://chat"], "--host https://chat: no host name"),
        (["-o", "missing/chat.yaml"], "missing/chat.yaml: cannot be written: No such file"),
        (["-o", ".", "--force"], ".: cannot be written: Is a directory"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error(arguments, words, folder, capsys):
    assert main(["init", *arguments]) == 2
    said = capsys.readouterr()
    assert words in " ".join(said.err.replace("│", " ").split())
    assert said.out == "" and not [*folder.iterdir()]
