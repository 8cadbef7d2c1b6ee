"""Where the project's images come from: `IMAGE_PREFIX`, a registry with a path in it.

Without it the names stay bare, and the images are on the nodes already. All that the tests apply
passes here, so that no test says it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from graph.composing.registry import from_registry, locate
from graph.images import check_prefix
from predictors.images import catalogue as images


def prefix() -> str:
    """`IMAGE_PREFIX` without a slash at its end, or "". Raises SpecError."""
    given = os.environ.get("IMAGE_PREFIX", "")
    return check_prefix(given) if given else ""


def located(image: str) -> str:
    """The full name of an image of the project; any other keeps its own."""
    return locate(image, prefix())


def located_text(text: str) -> str:
    """YAML of objects, whose pods take the project's images from there."""
    if not prefix():
        return text
    return yaml.safe_dump_all(from_registry(item, prefix()) for item in yaml.safe_load_all(text))


def located_file(file: Path, folder: Path) -> Path:
    """The file, or one with the same objects in another folder."""
    if not prefix():
        return file
    made = folder / file.name
    made.write_text(located_text(file.read_text()))
    return made


@contextmanager
def located_folder(folder: Path) -> Iterator[Path]:
    """A kustomize folder, or an overlay of it that a user would write for a registry."""
    if not prefix():
        yield folder
        return
    with tempfile.TemporaryDirectory() as made:
        # kustomize takes no absolute path.
        base = os.path.relpath(folder.resolve(), Path(made).resolve())
        names = sorted({image.name.partition(":")[0] for image in (*images.ALL, *images.CUDA)})
        content = {
            "resources": [base],
            "images": [{"name": name, "newName": located(name)} for name in names],
        }
        (Path(made) / "kustomization.yaml").write_text(yaml.safe_dump(content))
        yield Path(made)
