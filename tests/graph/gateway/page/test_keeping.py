"""A conversation outlives a reload, goes into a file and comes out of it, and is never lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graph.calling import saved
from tests.graph.gateway.page.browser import expect
from tests.graph.gateway.page.scene import (
    FRENCH,
    WHOLE,
    Open,
    Scene,
    answering,
    answers,
    messages,
    say,
)

FORBID = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); } })"""
FILL = """Storage.prototype.setItem = function () {
  throw new DOMException("full", "QuotaExceededError"); }"""


def menu(page: Any, name: str) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name=name).click()


def load(page: Any, content: bytes) -> None:
    file = {"name": "c.json", "mimeType": "application/json", "buffer": content}
    page.get_by_role("button", name="More").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a conversation").click()
    chooser.value.set_files([file])


def test_a_reload_brings_back_the_conversation_and_the_draft(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    page.get_by_role("textbox", name="Message").fill("Et le")
    page.reload()
    expect(messages(page)).to_have_text(FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    expect(page.get_by_role("textbox", name="Message")).to_have_value("Et le")
    label = page.get_by_label("Language of this message").locator("option:checked")
    expect(label).to_have_text("French · 99%")


def test_a_reload_in_the_middle_of_an_answer_keeps_what_had_come(
    scene: Scene, open_at: Open
) -> None:
    scene.hold()
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text("fr:One is here.")
    page.reload()
    expect(answers(page)).to_have_text("fr:One is here.")
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.get_by_role("button", name="Answer again")).to_be_visible()


@pytest.mark.parametrize("script", [FORBID, FILL])
def test_a_store_that_is_full_or_forbidden_does_not_break_the_page(
    scene: Scene, open_at: Open, script: str
) -> None:
    page = open_at(scene)
    page.context.add_init_script(script)
    page.reload()
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    expect(page.get_by_role("status")).to_contain_text("This browser cannot keep the conversation.")
    page.get_by_role("button", name="Show English").click()
    expect(page.locator(".answer .translation .text")).to_be_visible()
    assert page.problems == []


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"format": "parley-conversation"}'])
def test_what_is_kept_may_be_anything(scene: Scene, open_at: Open, kept: str) -> None:
    page = open_at(scene)
    page.evaluate("kept => localStorage.setItem('parley.conversation', kept)", kept)
    page.reload()
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    assert page.problems == []


def test_two_tabs_show_one_conversation(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    other = page.context.new_page()
    other.goto(f"{scene.url}/")
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    expect(answers(other)).to_have_text(WHOLE)
    say(other, "Et le chat ?")
    expect(messages(page)).to_have_text([FRENCH, "Et le chat ?"])


def test_a_file_of_the_page_is_one_of_the_clients(
    scene: Scene, open_at: Open, tmp_path: Path
) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    scene.instead.append(answering(500, b""))
    say(page, "Et le chat ?")
    expect(page.get_by_role("alert")).to_be_visible()
    with page.expect_download() as download:
        menu(page, "Download conversation")
    path = tmp_path / "conversation.json"
    download.value.save_as(path)
    found = saved.read(path)
    assert found.history == [f"en:{FRENCH}", "One is here. Two is there."]
    assert [reply.user_input for reply in found.replies] == [FRENCH, "Et le chat ?"]
    assert [reply.response for reply in found.replies] == [WHOLE, ""]
    assert found.replies[0].language == "fr"
    page.get_by_role("button", name="New conversation").click()
    expect(messages(page)).to_have_count(0)
    load(page, path.read_bytes())
    expect(messages(page)).to_have_text([FRENCH, "Et le chat ?"])
    expect(page.get_by_role("alert")).to_contain_text("Something went wrong")


async def _turn(scene: Scene) -> dict[str, Any]:
    [prediction] = await scene.gate.post({"user_input": "Bonjour, comment allez-vous ?"})
    return prediction


def test_a_file_of_a_client_is_one_of_the_page(scene: Scene, open_at: Open) -> None:
    turn = scene.run(_turn(scene))
    content = {"format": "parley-conversation", "version": 1, "language": None, "timeout": None}
    file = json.dumps(content | {"history": turn["history"], "turns": [turn]})
    page = open_at(scene)
    load(page, file.encode())
    expect(messages(page)).to_have_text("Bonjour, comment allez-vous ?")
    say(page, FRENCH)
    expect(answers(page).last).to_have_text(WHOLE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe<html>", "This file is not JSON"),
        (b"[1, 2]", "no conversation of Parley's"),
        (b'{"format": "parley-conversation", "version": 2}', "of version 2"),
        (b'{"format": "parley-conversation", "version": 1, "turns": 3}', "damaged at turns."),
        (
            b'{"format": "parley-conversation", "version": 1, "turns": [{"user_input": 3}]}',
            "damaged at turns[0].user_input",
        ),
        (
            b'{"format": "parley-conversation", "version": 1, "turns": '
            b'[{"user_input": "a", "response": "b", "steps": [{}]}]}',
            "damaged at turns[0].steps",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(
    scene: Scene, open_at: Open, content: bytes, words: str
) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    load(page, content)
    expect(page.get_by_role("status")).to_contain_text(words)
    expect(page.get_by_role("status")).to_contain_text("Nothing was changed.")
    expect(answers(page)).to_have_text(WHOLE)
    assert page.problems == []


def test_a_new_conversation_can_be_taken_back(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("heading", name="Talk in your own language")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(answers(page)).to_have_text(WHOLE)


def test_a_conversation_is_copied_as_text(scene: Scene, open_at: Open) -> None:
    page = open_at(scene, permissions=["clipboard-read", "clipboard-write"])
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    menu(page, "Copy conversation")
    expect(page.get_by_role("status")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"You: {FRENCH}\n\nParley: {WHOLE}"
