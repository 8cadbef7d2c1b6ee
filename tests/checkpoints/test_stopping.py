"""A predictor is stopped while an engine that reads checkpoints works on a request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stopping import at_work

Maker = Callable[[str], Path]
# The models of the tests are small; so many messages keep one at work for a second or more.
MANY = [{"user_input": "hello there my friend " * 3, "request_id": f"turn-{i}"} for i in range(64)]


@pytest.mark.parametrize("engine", ["ctranslate2", "transformers"])
def test_a_request_in_an_engine_is_answered_before_the_process_ends(
    engine: str, checkpoint: Maker, converted: Callable[..., Path]
) -> None:
    source = checkpoint("blenderbot")
    folder = converted(source) if engine == "ctranslate2" else source
    options = (f"--model={folder}", f"--engine={engine}", "--device=cpu", "--threads=1")
    with at_work("chat", options, MANY) as working:
        answer = working.stop()
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["predictions"]) == len(MANY)
