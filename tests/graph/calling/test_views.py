"""How a turn and a conversation look in a notebook and at a terminal, whoever wrote their texts."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from graph.calling.replies import read_reply
from graph.calling.steps import Degradation, TurnStep
from graph.client import ChatClient, Conversation

REPLY = read_reply(
    {
        "user_input": "Où est la gare ?", "language": "fr", "language_confidence": 0.9,
        "user_input_en": "Where is the station?", "response_en": "Over there.",
        "response": "Là-bas.", "history": ["Where is the station?", "Over there."],
        "steps": [
            {"name": "detector", "model": "lingua", "seconds": 0.01},
            {"name": "chat", "model": "smollm2", "seconds": 0.4},
            {"name": "translate-en-fr", "model": "gemma3", "seconds": 0.2},
        ],
    }
)  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)>\"' & [red]$x$[/red] \x1b[31m"


class Page(HTMLParser):
    """The tags of a page, balanced, with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_notebook_shows_the_turn_and_a_bar_for_each_step():
    page = Page(REPLY._repr_html_())
    assert page.texts[:4] == [
        "Où est la gare ?", "Where is the station?", "Là-bas.", "Over there.",
    ]  # fmt: skip
    assert page.texts[-3:] == ["translate-en-fr", "gemma3", "0.200"]
    bars = [given["style"] for tag, given in page.tags if "height" in given.get("style", "")]
    assert [bar.split(";")[0] for bar in bars] == [
        "width: 0.30em", "width: 12.00em", "width: 6.00em",
    ]  # fmt: skip
    languages = [given["lang"] for tag, given in page.tags if tag == "p"]
    assert languages == ["fr", "en", "fr", "en"]


def test_what_is_said_once_is_shown_once():
    english = replace(
        REPLY, language="en", user_input="Hi", user_input_en="Hi", response="Yes", response_en="Yes"
    )
    assert Page(english._repr_html_()).texts[:3] == ["Hi", "Yes", "step"]


def test_a_notebook_shows_what_a_turn_lacks():
    lacking = replace(REPLY, degraded=(Degradation("translate-en-fr", "engine"),))
    assert "The model of translate-en-fr failed." in Page(lacking._repr_html_()).texts


@pytest.mark.parametrize("name", ["user_input", "user_input_en", "response", "response_en"])
def test_no_text_of_a_turn_is_taken_for_html(name):
    changed: dict[str, Any] = {name: HOSTILE}
    page = Page(replace(REPLY, **changed)._repr_html_())
    assert HOSTILE in page.texts
    assert {tag for tag, _ in page.tags} <= {"div", "p", "table", "tr", "th", "td"}
    assert not [given for _, given in page.tags if given.keys() - {"style", "class", "lang", "dir"}]


def test_no_name_of_a_step_or_of_a_language_is_taken_for_html():
    step = TurnStep(HOSTILE, HOSTILE, 0.0)
    page = Page(
        replace(
            REPLY, language=HOSTILE, steps=(step,), degraded=(Degradation(HOSTILE, HOSTILE),)
        )._repr_html_()
    )
    assert page.texts.count(HOSTILE) == 2
    assert {tag for tag, _ in page.tags} <= {"div", "p", "table", "tr", "th", "td"}


def test_a_notebook_shows_a_conversation():
    talk = Conversation(ChatClient("http://127.0.0.1:1"))
    assert Page(talk._repr_html_()).texts == ["nothing was said yet"]
    talk.replies = [REPLY, replace(REPLY, user_input=HOSTILE)]
    texts = Page(talk._repr_html_()).texts
    assert texts[0] == "Où est la gare ?"
    assert texts[4] == HOSTILE


def test_a_terminal_shows_the_turn_and_takes_no_text_for_markup():
    console = Console(width=100, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(replace(REPLY, response="[red]Là-bas[/red] [/]"))
    lines = capture.get().splitlines()
    assert lines[0] == "Où est la gare ?"
    assert lines[1] == "[fr] [red]Là-bas[/red] [/]"
    assert [line.split()[0] for line in lines[2:]] == [
        "step", "detector", "chat", "translate-en-fr",
    ]  # fmt: skip
    assert lines[4].rstrip().endswith("0.400  " + "█" * 24)


def test_a_reply_is_printed_without_what_it_holds_twice():
    assert "prediction" not in repr(REPLY)
    assert len(repr(REPLY)) < 700
