"""The example of graph/README.md is what it says."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[3] / "graph" / "README.md").read_text("utf-8")
[EXAMPLE] = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)


@pytest.mark.models
def test_the_example_composes_a_chat_and_holds_a_turn(capsys):
    exec(compile(EXAMPLE, "graph/README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "kind: InferenceGraph" in said
    assert said.rstrip().splitlines()[-1].startswith("Bonjour")
