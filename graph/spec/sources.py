"""Where texts come from: a file, stdin, or a folder with a kustomization.

A folder is rendered by kubectl or kustomize, whichever is installed, so that what runs here is what
`kubectl apply -k` applies. There is no renderer of our own, because its result could differ; where
neither program is installed, a folder is refused.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from graph.errors import SpecError

# The manifests that an installed Parley has beside it.
SHIPPED = Path(__file__).parents[2] / "manifests"
# kubectl first: it is what applies the folder to a cluster.
_PROGRAMS = (("kubectl", "kustomize"), ("kustomize", "build"))
# The names that kustomize itself takes.
_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# A kustomization may name bases on the network, which the program fetches.
_SECONDS = 120


def read_source(file: str) -> tuple[str, str]:
    """The text of a file, `-` for stdin, and the name that errors call it by. Raises SpecError."""
    try:
        if file == "-":
            return sys.stdin.read(), "<stdin>"
        return Path(file).read_text("utf-8"), file
    except UnicodeDecodeError as err:
        raise SpecError(f"{file}: is not text in UTF-8") from err
    except OSError as err:
        raise SpecError(f"{file}: {err.strerror}") from err


def read_manifests(file: str) -> tuple[str, str]:
    """The YAML text of a file, `-` for stdin, or of a folder; and the name that errors call it by.

    Raises SpecError.
    """
    if not Path(file).is_dir():
        return read_source(file)
    if not is_kustomization(Path(file)):
        raise SpecError(
            f"{file}: a folder without kustomization.yaml; name a file, or such a folder"
        )
    return _render(file), file


def is_kustomization(folder: Path) -> bool:
    """Whether kustomize can render the folder."""
    return any((folder / name).is_file() for name in _FILES)


def _render(folder: str) -> str:
    command = [*_program(folder), folder]
    name = " ".join(command[:2])
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired as err:
        raise SpecError(f"{folder}: `{name}` was not done in {_SECONDS} seconds") from err
    except OSError as err:
        raise SpecError(f"{folder}: {command[0]} cannot be run: {err.strerror}") from err
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split()).removeprefix("error: ")
        raise SpecError(f"{folder}: `{name}` refuses it: {said}")
    return done.stdout.decode(errors="replace")


def _program(folder: str) -> list[str]:
    for program, command in _PROGRAMS:
        if shutil.which(program):
            return [program, command]
    raise SpecError(
        f"{folder}: a folder is rendered by kubectl or kustomize, and neither is on the PATH; "
        "install one of them, or name a rendered file"
    )
