"""Parley installed as a package, from a wheel and away from its checkout, and set up by `make`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
GRAPH = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "InferenceGraph",
    "metadata": {"name": "g"},
    "spec": {"nodes": {"root": {"routerType": "Sequence", "steps": []}}},
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a package is made of, because setuptools writes beside its sources."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("graph", "predictors", "manifests", "requirements"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def packages(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds Parley's packages, installed from a wheel, and nothing else."""
    target = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    wheels = target / "wheels"
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "-w", str(wheels), str(checkout)]
    subprocess.run(build, check=True)
    [wheel] = wheels.iterdir()
    installed = target / "installed"
    subprocess.run([*pip, "install", *offline, "--target", str(installed), str(wheel)], check=True)
    return installed


@pytest.fixture(scope="module")
def plain(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds what `pip install parley` without extras brings."""
    environment = tmp_path_factory.mktemp("plain")
    venv.create(environment, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = environment / "lib" / version / "site-packages"
    for entry in packages.iterdir():
        (site / entry.name).symlink_to(entry)
    [parley] = packages.glob("parley-*.dist-info")
    for needed in _needed(Distribution.at(parley)):
        for name in {file.parts[0] for file in needed.files or () if file.parts[0] != ".."}:
            if name != "__pycache__" and not (site / name).exists():
                (site / name).symlink_to(str(needed.locate_file(name)))
    return environment / "bin" / "python"


def _needed(package: Distribution, seen: set[str] | None = None) -> list[Distribution]:
    """Everything that a distribution needs without an extra, as it is installed here."""
    found: list[Distribution] = []
    seen = set() if seen is None else seen
    for requirement in map(Requirement, package.requires or ()):
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name.lower() not in seen:
            seen.add(requirement.name.lower())
            other = distribution(requirement.name)
            found += [other, *_needed(other, seen)]
    return found


def run(
    python: Path | str, *arguments: str, folder: Path, packages: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if packages:
        environ["PYTHONPATH"] = str(packages)
    return subprocess.run(
        [str(python), *arguments],
        env=environ, cwd=folder, input="", capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["graph", "lint", "g.yaml"],
        ["graph", "show", "g.yaml"],
        ["init", "--languages", "fr,es", "-o", "-"],
        ["init", "--languages", "fr,es", "--embedded", "-o", "-"],
    ],
)
def test_a_plain_install_runs_what_needs_no_model(
    plain: Path, tmp_path: Path, arguments: Sequence[str]
) -> None:
    step = {"serviceUrl": "http://127.0.0.1:1", "dependency": "Hard"}
    nodes = {"root": {"routerType": "Sequence", "steps": [step]}}
    timeouts = {"serviceClient": 10}
    graph = GRAPH | {"spec": {"nodes": nodes, "routerTimeouts": timeouts}}
    (tmp_path / "g.yaml").write_text(json.dumps(graph))
    done = run(plain, "-m", "graph.cli", *arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["chat"], "local"),
        (["ask", "Hello"], "local"),
        (["translate", "Hello"], "local"),
        (["serve"], "local"),
    ],
)
def test_a_plain_install_says_which_extra_a_command_needs(
    plain: Path, tmp_path: Path, arguments: Sequence[str], extra: str
) -> None:
    done = run(plain, "-m", "graph.cli", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"is not installed; `pip install 'parley[{extra}]'` brings it" in done.stderr


def test_a_plain_install_has_the_client(plain: Path, tmp_path: Path) -> None:
    program = """
from graph.client import ChatClient
from graph.errors import NotInstalled, NotReady
for make in (ChatClient.local, lambda: ChatClient("http://127.0.0.1:1").turn("Hello")):
    try:
        make()
    except (NotInstalled, NotReady) as err:
        print(type(err).__name__)
"""
    done = run(plain, "-c", program, folder=tmp_path)
    assert (done.stdout, done.stderr) == ("NotInstalled\nNotReached\n", "")


def test_an_install_that_is_not_editable_has_its_manifests(packages: Path, tmp_path: Path) -> None:
    program = """
from graph.local.build import DEFAULT_FILE, TRANSLATOR_FILE, build, read_file
print(DEFAULT_FILE)
for file in ("", str(TRANSLATOR_FILE)):
    print(sorted(service.name for service in read_file(file).services))
"""
    done = run(sys.executable, "-c", program, folder=tmp_path, packages=packages)
    assert done.stderr == ""
    file, chat, translator = done.stdout.splitlines()
    assert file == str(packages / "manifests" / "embedded.yaml")
    assert chat == "['chat', 'detector', 'translate-en-fr', 'translate-fr-en']"
    assert "translate-en-it" in translator


def test_the_script_starts_the_command_line(packages: Path, tmp_path: Path) -> None:
    script = packages / "bin" / "parley"
    done = run(sys.executable, str(script), "--help", folder=tmp_path, packages=packages)
    assert done.returncode == 0
    assert "Usage: parley" in done.stdout


def find_python(version: str) -> str | None:
    """One on the PATH that runs, else one beside the Python of these tests, as pyenv keeps them."""
    named = shutil.which(f"python{version}")
    if named and subprocess.run([named, "-c", ""], capture_output=True).returncode == 0:
        return named
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}*/bin/python{version}"))
    return str(beside[0]) if beside else None


@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_make_refuses_a_python_that_does_not_work_and_leaves_nothing(
    checkout: Path, version: str
) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    done = run("make", f"PYTHON={python}", "chat", folder=checkout)
    assert done.returncode != 0
    assert f"Parley runs on Python 3.11 and 3.12, and this is {version}" in done.stderr
    assert not (checkout / ".venv").exists()
