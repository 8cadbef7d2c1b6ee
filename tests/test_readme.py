"""The READMEs say what is there: commands, options, targets, links, fields."""

import dataclasses
import re
from pathlib import Path

import pytest

from graph import contract
from graph.cli import session
from predictors.chat.__main__ import ChatSettings
from predictors.detector.__main__ import DetectorSettings
from predictors.translator.__main__ import TranslatorSettings
from tests.graph.cli.commands import COMMANDS, named, options, parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = sorted(
    str(file.relative_to(ROOT))
    for folder in ("graph", "predictors", "manifests", "helm", ".")
    for file in (ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
)
# What a reader is told to type: in a block of code, at its start, after a prompt or a pipe.
LINES = [
    (text, line.partition(" | ")[0])
    for text in TEXTS
    for block in re.findall(r"^```.*?$(.*?)^```", (ROOT / text).read_text("utf-8"), re.M | re.S)
    for line in re.findall(r"(?:^|\| )(?:\$ )?(parley .+)$", block, re.M)
]
SETTINGS = {
    f"--{field.name}"
    for settings in (DetectorSettings, TranslatorSettings, ChatSettings)
    for field in dataclasses.fields(settings)
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize(("text", "line"), LINES)
def test_every_command_line_of_the_texts_is_one_that_the_command_takes(text, line):
    parse(line)


@pytest.mark.parametrize("span", sorted(set(re.findall(r"`(parley [^`]+)`", README))))
def test_every_command_and_option_within_a_sentence_is_there(span):
    words = span.split()
    name = named(words)
    # `parley` itself has options, and a group of commands is named too, such as `parley graph`.
    group = words[1].startswith("-") or any(each.startswith(f"{span} ") for each in COMMANDS)
    assert group or name, span
    assert {word for word in words if word.startswith("-")} <= options(name or "parley")


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z_-]+)[ =`]", README))))
def test_every_option_that_a_sentence_names_alone_is_one_of_some_command(option):
    assert any(option in options(name) for name in COMMANDS) or option in SETTINGS


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z0-9-]+)", README))))
def test_every_make_target_is_there(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", [*contract.ALL_FIELDS, *session.COMMANDS])
def test_every_field_and_every_command_of_the_conversation_is_named(name):
    assert name in README
