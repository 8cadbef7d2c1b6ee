"""The README says what is there: commands, targets, links, fields."""

import re
from pathlib import Path

import pytest
import typer

from graph import contract
from graph.cli.main import app
from graph.cli.session import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARLEY = typer.main.get_group(app)


@pytest.mark.parametrize("command", sorted(PARLEY.commands))
def test_every_command_is_in_the_readme(command):
    assert re.search(rf"parley {command}\b", README)


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"^parley (.+?)(?:  +#.*)?$", README, re.M)))
)
def test_every_command_line_of_the_readme_has_its_options(line):
    name, *words = line.split()
    known = {option for parameter in PARLEY.commands[name].params for option in parameter.opts}
    for word in words:
        if re.match(r"--?[a-z]", word):
            assert word in known


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z0-9-]+)", README))))
def test_every_make_target_is_there(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", [*contract.ALL_FIELDS, *COMMANDS])
def test_every_field_and_every_command_of_the_conversation_is_named(name):
    assert name in README
