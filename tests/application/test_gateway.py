"""The shipped chat on its real models, through OpenAI's API and through the router's door."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from graph.http.events import EventReader
from graph.local import build as local
from graph.local.app import app_of, with_gateway
from tests.conftest import served

pytestmark = [pytest.mark.models, pytest.mark.slow]

MODEL = "multilingual-chat"
MESSAGES = (
    "Bonjour, je m'appelle Marie.",
    "Explique-moi en cinq phrases pourquoi le ciel est bleu.",
    "Thank you! Write a list of three fruits.",
)


def test_a_conversation_is_the_same_through_both_doors_whole_and_as_a_stream() -> None:
    graph = local.build(local.read_file(""), "embedded.yaml")
    graph.load()
    try:
        with served(with_gateway(app_of(graph), graph)) as url:
            converse(url)
    finally:
        graph.close()


def converse(url: str) -> None:
    said: list[dict[str, str]] = []
    history: list[str] = []
    with httpx2.Client(timeout=120) as client:
        for message in MESSAGES:
            asked = {"user_input": message, "history": history}
            turn = client.post(url, json=asked).json()["predictions"][0]
            said.append({"role": "user", "content": message})
            path = f"{url}/v1/chat/completions"
            whole = client.post(path, json={"model": MODEL, "messages": said}).json()
            stream = client.post(path, json={"model": MODEL, "messages": said, "stream": True})
            parts = words(stream.content)
            text = whole["choices"][0]["message"]["content"]
            assert "".join(parts) == text == turn["response"]
            assert whole["choices"][0]["parley"]["response_en"] == turn["response_en"]
            assert len(parts) >= text.count(". ")
            said.append({"role": "assistant", "content": text})
            history = turn["history"]


def words(stream: bytes) -> list[str]:
    chunks: list[Any] = [json.loads(text) for text in EventReader().feed(stream)[:-1]]
    found = (choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"])
    return [text for text in found if text]
