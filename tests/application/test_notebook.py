"""The notebook runs from top to bottom on this machine, and is kept clean."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.notebook import HERE, execute, read_notebook


def test_it_is_kept_without_outputs_and_valid():
    notebook = read_notebook()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [HERE in cell.source for cell in code].count(True) == 1


@pytest.mark.models
@pytest.mark.slow
def test_it_runs_from_top_to_bottom_on_this_machine(tmp_path: Path):
    done = execute(tmp_path, {})
    assert len(done.value("history")) == 2
    assert done.value("http-turn")
    for language, cell in (("en", "english-turn"), ("fr", "french-turn")):
        assert done.value(cell)[0] == language and done.value(cell)[1]
    # Both ways of composing, and so the same answers: the history of the first turn was sent back.
    assert done.value("french-reply") == done.value("french-turn")
    assert len(done.value("french-reply")[2]) == 4
    assert done.value("sdk-objects")[-1] == "V1alpha1InferenceGraph"
    assert done.value("graph-http-turn")
    assert all(done.value("translate"))
    assert not [*tmp_path.iterdir()]
