"""`python -m graph.gateway`: before services that run elsewhere, or ended with one clear line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from graph.local.app import app_of
from graph.local.build import DEFAULT_FILE
from tests.graph.gateway.playing import Gate, Writes, local_graph

GATEWAY = [sys.executable, "-m", "graph.gateway"]


def run(*words: str) -> tuple[int, str]:
    ended = subprocess.run([*GATEWAY, *words], capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stderr


def test_a_process_serves_a_graph_whose_services_run_elsewhere(
    serve_app: Callable[[Any], str],
) -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here.")))
    url = serve_app(app_of(gate.local))
    services = [f"--service={n}={url}/v1/models/{n}:predict" for n in gate.local.handlers]
    words = [str(DEFAULT_FILE), "--host=127.0.0.1", "--http_port=0", *services]
    process = subprocess.Popen([*GATEWAY, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert said.startswith("graph.gateway: multilingual-chat is served at http://127.0.0.1:")
        at = said.rsplit(" ", 1)[1].strip()
        message = {"role": "user", "content": "Bonjour, comment allez-vous ?"}
        asked = {"model": "multilingual-chat:fr", "messages": [message]}
        answer = httpx2.post(f"{at}/chat/completions", json=asked).json()
        assert answer["choices"][0]["message"]["content"] == "fr:One is here."
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nothing.yaml"], "nothing.yaml: No such file"),
        ([str(DEFAULT_FILE), "--service=chat"], "--service chat: write NAME=URL"),
        ([str(DEFAULT_FILE), "--service=chta=http://x"], "no such serviceName; did you mean"),
        ([str(DEFAULT_FILE), "--api_keys=nothing"], "--api_keys nothing: cannot be read"),
        ([str(DEFAULT_FILE), "--http_port=x"], "invalid int value"),
    ],
)
def test_wrong_words_end_it_with_one_clear_line(words: list[str], problem: str) -> None:
    code, said = run(*words)
    assert code == 2 and problem in said
    assert "Traceback" not in said


def test_every_option_has_its_variable() -> None:
    ended = subprocess.run([*GATEWAY, "--help"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    for name in ("http_port", "api_keys", "max_inflight", "history_bytes"):
        assert f"--{name}" in ended.stdout and f"PARLEY_{name.upper()}" in ended.stdout
