"""`make images` takes the builder that works on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from predictors.images import __main__ as command
from predictors.images.builder import DOCKERFILE, Builder, ImageError, find_builder
from predictors.images.catalogue import ROOT


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, works: bool) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n[ $1 = info ] && exit {0 if works else 1}\n")
    program.chmod(0o755)


def test_a_client_without_its_daemon_is_passed_over(programs: Path) -> None:
    install(programs, "docker", works=False)
    install(programs, "buildah", works=True)
    assert find_builder().program == "buildah"


def test_docker_comes_first_where_it_works(programs: Path) -> None:
    for name in ("docker", "podman", "buildah"):
        install(programs, name, works=True)
    assert find_builder().program == "docker"


def test_where_none_answers_the_error_names_the_command_that_shows_why(programs: Path) -> None:
    install(programs, "docker", works=False)
    with pytest.raises(ImageError, match="docker: no answer to `docker info`"):
        find_builder()


DIGEST = f"sha256:{'5' * 64}"
TARGET = "registry.example.com/parley/parley-chat:0.1.0"
# What each program answers to a push; its arguments are kept.
ANSWERS = {
    "docker": f"[ $1 = push ] && echo '0.1.0: digest: {DIGEST} size: 1786'; exit 0",
    "buildah": f'file=${{2#--digestfile=}}; echo {DIGEST} > "$file"',
    "podman": "exit 0",
}


@pytest.fixture(params=ANSWERS)
def answering(request: pytest.FixtureRequest, programs: Path) -> Builder:
    file = programs / request.param
    file.write_text(f'#!/bin/sh\necho "$@" >> {programs}/asked\n{ANSWERS[request.param]}\n')
    file.chmod(0o755)
    return Builder((request.param,))


def test_an_image_is_pushed_under_its_name_in_the_registry(
    answering: Builder, programs: Path
) -> None:
    if answering.program == "podman":
        with pytest.raises(ImageError, match="0.1.0: pushed, but podman told no digest"):
            answering.push("parley-chat:0.1.0", TARGET)
        return
    assert answering.push("parley-chat:0.1.0", TARGET) == DIGEST
    asked = (programs / "asked").read_text().splitlines()
    if answering.program == "docker":
        assert asked == [f"tag parley-chat:0.1.0 {TARGET}", f"push {TARGET}"]
    else:
        [line] = asked
        assert line.startswith("push --digestfile=")
        assert line.endswith(f" parley-chat:0.1.0 docker://{TARGET}")


def test_a_url_is_no_registry(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--push", "https://registry.example.com"], {})
    assert ended.value.code == 2
    assert (
        "write its host and a path, in small letters, as registry.example.com"
        in capsys.readouterr().err
    )


def test_the_command_says_what_it_builds_with_each_option() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "predictors.images", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for words in ("--embedded", "--cuda", "--push", "Builds the project's images"):
        assert words in done.stdout


def test_outside_a_checkout_there_is_nothing_to_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "DOCKERFILE", tmp_path / "Dockerfile")
    assert command.main([], {}) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path / 'Dockerfile'}: missing; build the images in a checkout of Parley\n"
    )


def test_where_there_is_none_the_error_names_them(programs: Path) -> None:
    with pytest.raises(ImageError, match="none of docker, podman, buildah is on the PATH"):
        find_builder()


SHOW_FILES = (
    "import sys; print(*(m.__file__ for n, m in sorted(sys.modules.items())"
    " if n.split('.')[0] in ('graph', 'predictors')))"
)


def copied(stage: str, predictor: str, folder: Path) -> None:
    """What the COPY lines of one stage of the Dockerfile take from the checkout."""
    _, _, text = DOCKERFILE.read_text().partition(f" AS {stage}\n")
    for line in text.partition("\nFROM ")[0].splitlines():
        if line.startswith("COPY "):
            *sources, target = line.replace("${PREDICTOR}", predictor).split()[1:]
            for source in (path for each in sources for path in ROOT.glob(each)):
                place = folder / target.strip("/")
                if source.is_dir():
                    shutil.copytree(source, place, dirs_exist_ok=True)
                else:
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, place)


@pytest.mark.parametrize(
    ("stage", "predictor", "modules"),
    [
        ("code", "detector", "predictors.detector.__main__, predictors.serving"),
        ("code", "translator", "predictors.translator.__main__, predictors.serving"),
        ("code", "chat", "predictors.chat.__main__, predictors.serving"),
        ("code", "colocated", "predictors.colocated.__main__, predictors.chat.__main__"),
        ("code", "gateway", "graph.gateway.__main__, graph.gateway.watched_app"),
        ("code", "models", "predictors.conversion.__main__"),
        ("weights", "chat", "predictors.models.resolve"),
    ],
)
def test_a_stage_copies_every_module_that_it_runs(
    tmp_path: Path, stage: str, predictor: str, modules: str
) -> None:
    copied(stage, predictor, tmp_path)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", f"import {modules}; {SHOW_FILES}"],
        cwd=tmp_path, env=environ, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    # What is missing here would come from the checkout, where it is installed.
    assert [file for file in found.stdout.split() if not file.startswith(str(tmp_path))] == []
