"""What `helm test` makes of a turn that lacks something, by the program that the chart runs."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "helm" / "parley" / "files" / "converse.py"
WHOLE = {
    "user_input": "Bonjour !",
    "language": "fr",
    "response_en": "Hello!",
    "response": "Salut !",
    "history": [],
}


@pytest.fixture
def run(serve_app: Callable[[Any], str], capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the program against a graph that answers so; gives its exit code and what it printed."""

    def run(**changes: Any) -> tuple[int, str]:
        body = json.dumps({"predictions": [{**WHOLE, **changes}]}).encode()

        async def graph(scope: Any, receive: Any, send: Any) -> None:
            while (await receive()).get("more_body"):
                pass
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})

        talk = {"graph": serve_app(graph), "language": "fr", "messages": ["Bonjour !"]}
        environ = {"SECONDS": "10", "CONVERSATIONS": json.dumps([talk])}
        code = runpy.run_path(str(PROGRAM))["main"](environ)
        return code, capsys.readouterr().out

    return run


def lacking(step: str, reason: str) -> list[dict[str, str]]:
    return [{"step": step, "reason": reason}]


def test_a_whole_turn_passes(run: Any) -> None:
    assert run() == (0, "fr > Bonjour !\nfr < Salut !\n")


@pytest.mark.parametrize(
    ("reason", "response"), [("engine", "Hello!"), ("quality", "Hello!"), ("quality", "")]
)
def test_an_answer_that_was_not_translated_has_failed(run: Any, reason: str, response: str) -> None:
    code, printed = run(response=response, degraded=lacking("translate-en-fr", reason))
    assert code == 1
    assert f"fr: failed: degraded (translate-en-fr: {reason})" in printed


def test_no_answer_has_failed(run: Any) -> None:
    code, _ = run(response="", response_en="", degraded=lacking("chat", "no-answer"))
    assert code == 1


def test_a_poor_translation_is_printed_and_passes(run: Any) -> None:
    code, printed = run(degraded=lacking("translate-en-fr", "quality"))
    assert code == 0
    assert "degraded: translate-en-fr: quality" in printed
