"""The notebook of examples/, executed from top to bottom as Jupyter does it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "multilingual-chat.ipynb"
# The one line that chooses where all of it runs.
HERE, THERE = 'WHERE = "this machine"', 'WHERE = "my cluster"'
NAMESPACE = '"notebook"'
# One cell: on a cluster its pods start and answer.
_CELL_SECONDS = 240


def read_notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@dataclass(frozen=True)
class Executed:
    """What the cells of a notebook gave, by the cell's id, as text."""

    results: Mapping[str, str]

    def value(self, cell: str) -> Any:
        """The value that a cell showed: tuples, lists, dicts and texts."""
        return ast.literal_eval(self.results[cell])


def execute(
    folder: Path, environ: Mapping[str, str], namespace: str = "", registry: str = ""
) -> Executed:
    """Every cell, in a kernel of its own. Raises CellExecutionError at the first that fails.

    folder: where the kernel works, and leaves its files if it has any.  namespace: of the cluster
    that it runs on; "" runs it on this machine.  registry: where that pulls the images from.
    """
    notebook = read_notebook()
    if registry:
        for cell in notebook.cells:
            moved = rf"run((\1).from_registry('{registry}'), cluster)"
            cell.source = re.sub(r"run\((.+), cluster\)", moved, cell.source)
    if namespace:
        (chosen,) = (cell for cell in notebook.cells if HERE in cell.source)
        assert NAMESPACE in chosen.source
        chosen.source = chosen.source.replace(HERE, THERE).replace(NAMESPACE, f'"{namespace}"')
    client = NotebookClient(
        notebook, timeout=_CELL_SECONDS, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, **environ, "PYTHONPATH": str(ROOT)})
    shown = {
        cell.id: output.data["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "execute_result"
    }
    return Executed(shown)
