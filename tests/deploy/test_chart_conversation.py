"""What `helm test` makes of a turn that lacks something, by the program that the chart runs."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph.gateway.app import GatewayApp
from graph.gateway.keys import ApiKeys
from tests.graph.gateway.playing import Gate, Writes, local_graph

KEY = "a-key-of-twenty-chars"
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

    def run(gateway: Any = None, key: str = "", **changes: Any) -> tuple[int, str]:
        graph = answering(json.dumps({"predictions": [{**WHOLE, **changes}]}))
        talk: dict[str, Any] = {
            "graph": serve_app(graph),
            "language": "fr",
            "messages": ["Bonjour !"],
        }
        if gateway:
            url = f"{serve_app(gateway)}/v1/chat/completions"
            talk["gateway"] = {"url": url, "model": "multilingual-chat"}
        environ = {
            "SECONDS": "10",
            "CONVERSATIONS": json.dumps([talk]),
            "API_KEYS": f"{key}\nanother-key-of-twenty\n",
        }
        code = runpy.run_path(str(PROGRAM))["main"](environ)
        return code, capsys.readouterr().out

    return run


def answering(body: str) -> Any:
    """An application that answers everything with this."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})

    return app


def gateway(reply: Callable[[str], str] = lambda said: "One is here. Two is there.") -> GatewayApp:
    return GatewayApp(Gate(local_graph(Writes(reply))).gateway, ApiKeys((KEY.encode(),)))


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


def test_the_gateway_is_spoken_to_with_the_first_key(run: Any) -> None:
    code, printed = run(gateway(), KEY)
    assert code == 0
    assert printed.endswith("fr > Bonjour !\nfr << fr:One is here. fr:Two is there.\n")


@pytest.mark.parametrize(
    ("app", "key", "words"),
    [
        (gateway(), "some-other-key-of-mine", "401"),
        (gateway(lambda said: ""), KEY, "degraded (chat: no-answer)"),
        (answering('data: {"choices": []}\n\n'), KEY, "broke off"),
        (answering('data: {"error": {"message": "no room"}}\n\n'), KEY, "no room"),
        (answering("<html>"), KEY, "fr: failed"),
    ],
)
def test_a_gateway_that_does_not_answer_has_failed(
    run: Any, app: Any, key: str, words: str
) -> None:
    code, printed = run(app, key)
    assert (code, words in printed) == (1, True), printed
