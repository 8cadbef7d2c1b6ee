"""A real browser, which is Debian's Chromium, before a gateway with engines that are held or fail.

Without Chromium the tests of the page are skipped, each by its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.graph.gateway.page.scene import ENGLISH_BROWSER, Open, Scene, open_page

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Ended with its module: a loop that it leaves running would stop those of other tests."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="the chat page needs playwright: requirements/dev.txt"
    )
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("the chat page needs Chromium: apt-get install chromium")
    api.expect.set_options(timeout=30_000)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def scene(serve_app: Callable[[Any], str]) -> Iterator[Scene]:
    """Nothing is held any more when the test has ended, so that its server can end too."""
    made = Scene()
    made.url = serve_app(made)
    yield made
    made.go()


@pytest.fixture
def open_at(browser: Any) -> Iterator[Open]:
    """Opens the page, in a browser with a language, a size, a store of its own."""
    contexts = []

    def open_one(scene: Scene, **options: Any) -> Any:
        context = browser.new_context(**{"locale": ENGLISH_BROWSER, **options})
        contexts.append(context)
        return open_page(context, scene)

    yield open_one
    for context in contexts:
        context.close()
