"""People talk on the chat page, in a real browser."""

from __future__ import annotations

import json

from graph.http.events import event
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


def test_a_french_conversation_streams_and_knows_what_was_said(scene: Scene, open_at: Open) -> None:
    scene.hold()
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text("fr:One is here.")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert page.locator(".answer").get_attribute("aria-busy") == "true"
    # The language is known with the first words.
    language = page.get_by_label("Language of this message")
    expect(language.locator("option:checked")).to_have_text("French · 99%")
    scene.go()
    expect(answers(page)).to_have_text(WHOLE)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    say(page, "Merci beaucoup, et où est le chat ?")
    expect(answers(page)).to_have_count(2)
    expect(answers(page).last).to_have_text(WHOLE)
    assert scene.heard[-1]["history"] == [f"en:{FRENCH}", "One is here. Two is there."]
    assert page.problems == []


def test_the_language_that_was_detected_is_shown_and_can_be_put_right(
    scene: Scene, open_at: Open
) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    menu = page.get_by_label("Language of this message")
    expect(menu.locator("option:checked")).to_have_text("French · 99%")
    menu.select_option(label="English")
    expect(answers(page)).to_have_text("One is here. Two is there.")
    expect(menu.locator("option:checked")).to_have_text("English · chosen")
    assert scene.heard[-1]["language"] == "en"
    menu.select_option(label="Detect language")
    expect(answers(page)).to_have_text(WHOLE)
    assert "language" not in scene.heard[-1]


def test_a_language_is_chosen_before_anything_was_said(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    page.get_by_label("Your language").select_option("fr")
    page.reload()
    expect(page.get_by_label("Your language")).to_have_value("fr")
    say(page, "OK")
    expect(answers(page)).to_have_text(WHOLE)
    assert scene.heard[-1]["language"] == "fr"


def test_another_language_for_an_earlier_message_can_be_taken_back(
    scene: Scene, open_at: Open
) -> None:
    page = open_at(scene)
    for text in (FRENCH, "Et le chat ?"):
        say(page, text)
        expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    page.get_by_label("Language of this message").first.select_option("en")
    expect(messages(page)).to_have_text([FRENCH])
    expect(page.get_by_role("status")).to_contain_text("The later messages were removed.")
    page.get_by_role("button", name="Undo").click()
    expect(messages(page)).to_have_text([FRENCH, "Et le chat ?"])
    expect(answers(page)).to_have_text([WHOLE, WHOLE])


def test_each_message_stands_beside_its_english_when_asked(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    english = page.locator(".answer .translation .text")
    expect(english).to_be_hidden()
    switch = page.get_by_role("button", name="Show English")
    switch.click()
    expect(english).to_have_text("One is here. Two is there.")
    expect(english).to_be_visible()
    expect(page.locator(".said .translation .text")).to_have_text(f"en:{FRENCH}")
    left, right = answers(page).bounding_box(), english.bounding_box()
    assert left["x"] + left["width"] <= right["x"] and left["y"] == right["y"]
    page.reload()
    expect(english).to_be_visible()
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    expect(english).to_be_hidden()


def test_an_answer_is_stopped_and_keeps_what_had_come(scene: Scene, open_at: Open) -> None:
    scene.hold()
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text("fr:One is here.")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(answers(page)).to_have_text("fr:One is here.")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    scene.wait_until_left()
    scene.go()
    page.get_by_role("button", name="Answer again").click()
    expect(answers(page)).to_have_text(WHOLE)


def test_the_last_message_is_changed_and_the_change_taken_back(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    page.get_by_role("button", name="Edit message").click()
    field = page.get_by_role("textbox", name="Edit your message")
    expect(field).to_have_value(FRENCH)
    page.keyboard.press("Escape")
    expect(messages(page)).to_have_text(FRENCH)
    page.get_by_role("button", name="Edit message").click()
    field.fill("Où est le chat, s'il vous plaît ?")
    page.keyboard.press("Enter")
    expect(messages(page)).to_have_text("Où est le chat, s'il vous plaît ?")
    expect(answers(page)).to_have_text(WHOLE)
    assert scene.heard[-1]["user_input"] == "Où est le chat, s'il vous plaît ?"
    page.get_by_role("button", name="Undo").click()
    expect(messages(page)).to_have_text(FRENCH)


def test_steps_are_told_with_their_times_when_asked(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    expect(page.get_by_role("table")).to_be_hidden()
    page.get_by_text("Steps ·").click()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.locator("td:first-child")).to_have_text(
        ["detector", "translate-fr-en", "chat", "translate-en-fr"]
    )
    expect(page.get_by_text("First words after")).to_be_visible()


def test_what_an_answer_lacks_is_said_beside_it(scene: Scene, open_at: Open) -> None:
    told = {"degraded": [{"step": "translate-en-fr", "reason": "engine"}], "language": "fr"}
    choice = {"index": 0, "delta": {"content": "One."}, "finish_reason": "length", "parley": told}
    body = event({"choices": [choice]}) + b"data: [DONE]\n\n"
    scene.instead.append(answering(200, body, content_type="text/event-stream"))
    page = open_at(scene)
    say(page, FRENCH)
    expect(page.get_by_text("The model of translate-en-fr failed.")).to_be_visible()
    expect(page.get_by_text("The answer was cut off")).to_be_visible()


def test_a_message_and_the_code_of_an_answer_are_copied(scene: Scene, open_at: Open) -> None:
    scene.reply = "Look:\n\n```python\nprint(1)\n```\n"
    page = open_at(scene, permissions=["clipboard-read", "clipboard-write"])
    say(page, "Please show me some code.")
    page.get_by_role("button", name="Copy code").click()
    assert page.evaluate("navigator.clipboard.readText()") == "print(1)"
    page.locator(".said").get_by_role("button", name="Copy").click()
    expect(page.locator(".said .copy use")).to_have_attribute("href", "#icon-check")
    assert page.evaluate("navigator.clipboard.readText()") == "Please show me some code."


def test_a_line_break_does_not_send(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    field = page.get_by_role("textbox", name="Message")
    field.fill("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(field).to_have_value("one\ntwo")
    expect(messages(page)).to_have_count(0)
    page.get_by_role("button", name="Send").click()
    expect(messages(page)).to_have_text("one\ntwo")


def test_a_message_that_got_no_answer_is_not_sent_again(scene: Scene, open_at: Open) -> None:
    scene.instead.append(answering(500, b""))
    page = open_at(scene)
    say(page, FRENCH)
    expect(page.get_by_role("alert")).to_be_visible()
    say(page, "Et le chat, où est-il ?")
    expect(answers(page).last).to_have_text(WHOLE)
    assert json.dumps(scene.heard[-1]["history"]) == "[]"
