"""The page for everybody: keyboards, screen readers, languages, directions, sizes, colours."""

from __future__ import annotations

from typing import Any

import pytest

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

Axe: Any = pytest.importorskip("axe_playwright_python.sync_playwright").Axe
RICH = """# Cats

Look at *this*, **that** and [a page](https://example.org):

1. one
2. two
   - deeper

| a | b |
| - | - |
| 1 | 2 |

> Said by somebody.

```python
print("a long line" + "that goes on and on and on and on and on and on and on and on")
```
"""
LABELS = {
    "en-GB": ("Message", "Send", "Talk in your own language", "French · 99%"),
    "fr-CA": ("Message", "Envoyer", "Parlez dans votre langue", "Français · 99 %"),
    "it": ("Messaggio", "Invia", "Parla nella tua lingua", "Francese · 99%"),
    "ja": ("Message", "Send", "Talk in your own language", "French · 99%"),
}


def violations(page: Any) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing(scene: Scene, open_at: Open, colours: str) -> None:
    scene.reply = RICH
    # axe-core is put into the page by the test, which the page's own policy would not let in.
    page = open_at(scene, color_scheme=colours, bypass_csp=True)
    expect(page.get_by_label("Your language")).to_be_visible()
    assert violations(page) == []
    say(page, FRENCH)
    expect(page.get_by_text("Steps ·")).to_be_visible()
    page.get_by_text("Steps ·").click()
    page.get_by_role("button", name="Show English").click()
    assert violations(page) == []
    scene.instead.append(answering(503, b"", retry_after="900"))
    say(page, FRENCH)
    expect(page.get_by_role("alert")).to_be_visible()
    scene.instead.append(answering(401, b""))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.get_by_role("button", name="More").click()
    assert violations(page) == []


@pytest.mark.parametrize("locale", LABELS)
def test_the_labels_are_those_of_the_browsers_language(
    scene: Scene, open_at: Open, locale: str
) -> None:
    field, send, heading, detected = LABELS[locale]
    page = open_at(scene, locale=locale)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    page.get_by_role("textbox", name=field).fill(FRENCH)
    page.get_by_role("button", name=send, exact=True).click()
    expect(answers(page)).to_have_text(WHOLE)
    shown = page.locator(".said select option:checked").inner_text()
    assert shown.replace("\u202f", " ").replace("\u00a0", " ") == detected
    assert page.evaluate("document.documentElement.lang") == {"fr-CA": "fr", "it": "it"}.get(
        locale, "en"
    )


def test_a_keyboard_is_enough(scene: Scene, open_at: Open) -> None:
    scene.hold()
    page = open_at(scene)
    keys = page.keyboard
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    keys.type(FRENCH)
    keys.press("Enter")
    expect(answers(page)).to_have_text("fr:One is here.")
    keys.press("Escape")
    expect(page.get_by_text("Stopped.")).to_be_visible()
    scene.go()
    keys.press("ArrowUp")
    expect(page.get_by_role("textbox", name="Edit your message")).to_be_focused()
    keys.press("Enter")
    expect(answers(page)).to_have_text(WHOLE)
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    reached = [_tab_back(page) for _ in range(7)]
    assert reached == [
        "Steps",
        "Answer again",
        "Copy",
        "Copy",
        "Edit message",
        "Language of this message",
        "More",
    ]
    for _ in range(6):
        keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_role("table")).to_be_visible()


def _tab_back(page: Any) -> str:
    page.keyboard.press("Shift+Tab")
    name: str = page.evaluate(
        "(document.activeElement.ariaLabel || document.activeElement.textContent).split(' ·')[0]"
    )
    return name


def test_the_first_stop_of_a_keyboard_leads_past_everything(scene: Scene, open_at: Open) -> None:
    page = open_at(scene)
    page.get_by_role("heading", name="Parley").click()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="Skip to the message field")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()


def test_sentences_are_read_out_as_they_come(scene: Scene, open_at: Open) -> None:
    scene.hold()
    page = open_at(scene)
    say(page, FRENCH)
    log = page.get_by_role("log")
    expect(log).to_contain_text("The answer is being written")
    expect(log).to_contain_text("fr:One is here.")
    scene.go()
    expect(log).to_contain_text("fr:Two is there.")
    expect(log).to_contain_text("End of the answer")


def test_each_text_runs_in_its_own_direction(scene: Scene, open_at: Open) -> None:
    scene.reply = "שלום לך, מה שלומך? הכל טוב."
    page = open_at(scene)
    say(page, "شكرًا جزيلاً.")

    def direction(found: Any) -> str:
        value: str = found.evaluate("each => getComputedStyle(each).direction")
        return value

    expect(answers(page).locator("p")).to_be_visible()
    assert direction(messages(page)) == "rtl"
    page.get_by_role("textbox", name="Message").fill("مرحبا")
    assert direction(page.get_by_role("textbox", name="Message")) == "rtl"
    assert direction(page.locator("body")) == "ltr"


@pytest.mark.parametrize("both", [False, True])
def test_a_narrow_screen_needs_no_scrolling_aside(scene: Scene, open_at: Open, both: bool) -> None:
    scene.reply = RICH + "A-very-long-word-without-any-break" * 8
    page = open_at(scene, viewport={"width": 360, "height": 640}, locale="it")
    if both:
        page.get_by_role("button", name="Mostra l’inglese").click()
    page.get_by_role("textbox", name="Messaggio").fill("https://example.org/" + "long" * 60)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Passi ·")).to_be_visible()
    page.get_by_text("Passi ·").click()
    page.get_by_role("button", name="Modifica il messaggio").click()
    page.get_by_role("button", name="Altro").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_colours_are_the_systems_until_others_are_chosen(scene: Scene, open_at: Open) -> None:
    page = open_at(scene, color_scheme="dark")

    def paper() -> str:
        value: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return value

    dark = paper()
    page.get_by_role("button", name="More").click()
    page.get_by_label("Light").check()
    light = paper()
    assert light != dark
    page.reload()
    assert paper() == light
    page.get_by_role("button", name="More").click()
    page.get_by_label("System").check()
    assert paper() == dark


def test_a_person_who_reads_above_is_not_pulled_down(scene: Scene, open_at: Open) -> None:
    scene.reply = "One is here.\n\n" * 60 + "Two is there."
    page = open_at(scene)
    say(page, FRENCH)
    expect(page.get_by_text("Steps ·")).to_be_in_viewport()
    page.mouse.wheel(0, -2000)
    expect(page.get_by_role("button", name="To the newest message")).to_be_visible()
    at = page.evaluate("scrollY")
    say(page, "")
    assert page.evaluate("scrollY") == at
    page.get_by_role("button", name="To the newest message").click()
    expect(page.get_by_text("Steps ·")).to_be_in_viewport()
