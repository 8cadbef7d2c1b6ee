"""What `--help` says: every command has an example, and the example is a command line of it."""

import re
import subprocess
import sys

import pytest

from tests.graph.cli.commands import COMMANDS, parse


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_it_takes(name):
    examples = re.findall(r"^Example: (.+)$", COMMANDS[name].help or "", re.M)
    assert examples, f"end the docstring of {name} with a line `Example: {name} ...`"
    for example in examples:
        # A terminal of 80 columns shows it on one line.
        assert len(example) <= 68
        assert re.match(rf"{name}\b", example)
        parse(example)


def test_help_comes_without_what_only_some_command_needs():
    heavy = ("httpx2", "tenacity", "kubernetes", "kserve", "predictors", "numpy")
    code = (
        "import sys\n"
        "from graph.cli.main import main\n"
        "main(['--help'])\n"
        f"sys.exit(', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: parley" in done.stdout
