"""What goes wrong is said at the message, with a way on, and nothing that was typed is lost."""

from __future__ import annotations

import json
import re

import pytest

from graph.asgi import App
from graph.gateway.keys import ApiKeys
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

KEY = "a-key-of-twenty-chars"
STREAM = "text/event-stream"


def error(message: str, code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "code": code}}).encode()


def chunk(text: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (answering(500, error("it broke")), ["Something went wrong on the server.", "it broke"]),
        (answering(413, error("too long")), ["did not accept this message", "too long"]),
        (answering(504, error("no answer")), ["The answer took too long."]),
        (answering(503, error("full"), retry_after="90"), ["is busy", "Try again in", "seconds"]),
        (answering(429, b"", retry_after="7"), ["is busy", "Try again in", "seconds"]),
        (answering(429, b"<html>"), ["is busy"]),
        (answering(502, b"<html>"), ["Something went wrong on the server."]),
        (answering(200, b"<html>", content_type="text/html"), ["is not a chat server"]),
        (answering(200, b"data: <html>\n\n", content_type=STREAM), ["is not a chat server"]),
        (answering(200, event({"error": {"message": "late", "code": "timeout"}}),
                   content_type=STREAM), ["The answer took too long.", "late"]),
    ],
)  # fmt: skip
def test_a_failure_is_told_at_the_message_and_tried_again(
    scene: Scene, open_at: Open, server: App, words: list[str]
) -> None:
    scene.instead.append(server)
    page = open_at(scene)
    say(page, FRENCH)
    alert = page.get_by_role("alert")
    for each in words:
        expect(alert).to_contain_text(each)
    expect(messages(page)).to_have_text(FRENCH)
    alert.get_by_role("button", name="Try again").click()
    expect(answers(page)).to_have_text(WHOLE)
    expect(alert).to_have_count(0)


def test_a_connection_that_is_lost_keeps_what_had_come(scene: Scene, open_at: Open) -> None:
    scene.break_off(chunk("Une phrase."), chunk(" Une"))
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text("Une phrase. Une")
    scene.go()
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(answers(page)).to_have_text("Une phrase. Une")
    page.get_by_role("button", name="Try again").click()
    expect(answers(page)).to_have_text(WHOLE)


def test_an_answer_that_ends_without_its_end_was_cut_off(scene: Scene, open_at: Open) -> None:
    scene.instead.append(answering(200, chunk("Une phrase."), content_type=STREAM))
    page = open_at(scene)
    say(page, FRENCH)
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(answers(page)).to_have_text("Une phrase.")


def test_without_a_connection_a_message_waits_for_one(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    page.context.set_offline(True)
    say(page, FRENCH)
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(answers(page)).to_have_text(WHOLE)


def test_the_seconds_until_a_server_has_time_are_counted_down(scene: Scene, open_at: Open) -> None:
    scene.instead.append(answering(503, error("full"), retry_after="900"))
    page = open_at(scene)
    page.clock.install()
    say(page, FRENCH)
    line = page.locator(".wait")
    expect(line).to_have_text(re.compile(r"Try again in [789]\d\d seconds\."))
    page.clock.run_for(600_000)
    expect(line).to_have_text(re.compile(r"Try again in [012]?\d?\d seconds?\."))
    page.clock.run_for(900_000)
    expect(line).to_be_hidden()


def test_a_key_is_asked_for_at_the_door_and_kept_while_the_tab_is_open(
    scene: Scene, open_at: Open
) -> None:
    scene.keys = ApiKeys((KEY.encode(),))
    page = open_at(scene)
    expect(page.get_by_text("This server asks for an API key.")).to_be_visible()
    page.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The server does not know this API key.")).to_be_visible()
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_label("Your language")).to_be_visible()
    page.reload()
    say(page, FRENCH)
    expect(answers(page)).to_have_text(WHOLE)
    assert KEY not in page.evaluate("JSON.stringify(localStorage)")


def test_a_key_that_is_asked_for_later_is_given_at_the_message(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    expect(page.get_by_label("Your language")).to_be_visible()
    scene.keys = ApiKeys((KEY.encode(),))
    say(page, FRENCH)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This server asks for an API key.")
    alert.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    expect(answers(page)).to_have_text(WHOLE)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Forget the API key").click()
    say(page, FRENCH)
    expect(alert).to_contain_text("This server asks for an API key.")


def test_what_is_typed_while_an_answer_comes_stays(scene: Scene, open_at: Open) -> None:
    scene.hold()
    page = open_at(scene)
    say(page, FRENCH)
    expect(answers(page)).to_have_text("fr:One is here.")
    say(page, "Et le chat ?")
    field = page.get_by_role("textbox", name="Message")
    expect(field).to_have_value("Et le chat ?")
    expect(messages(page)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(field).to_have_value("Et le chat ?")
