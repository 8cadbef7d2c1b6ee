"""Playwright's `expect`, which waits until a page shows something; without it a module is skipped.

Nothing that other tests of the page need stands here.
"""

from __future__ import annotations

from typing import Any

import pytest

expect: Any = pytest.importorskip(
    "playwright.sync_api", reason="the chat page needs playwright: requirements/dev.txt"
).expect
