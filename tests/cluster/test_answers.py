"""The graph on a real cluster answers as `parley serve` does, and comes up without a hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cluster.deployment import Answer, Deployment

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
# The two sides were asked other things before: the answer must not depend on that.
BATCHES: dict[str, list[dict[str, Any]]] = {
    "french": [{"user_input": "Bonjour, comment allez-vous aujourd'hui ?"}],
    "english": [{"user_input": "What is the capital of France?"}],
    "mixed": [
        {"user_input": "J'aime beaucoup le chocolat."},
        {"user_input": "I like chocolate very much."},
    ],
    "history": [
        {
            "user_input": "Où habites-tu ?",
            "history": ["I have a cat.", "That is nice."],
            "language": "fr",
        }
    ],
}
BAD_BODIES = {
    "not JSON": b"hello",
    "empty": b"",
    "no instances": b"{}",
    "empty list": b'{"instances": []}',
    "no object": b'{"instances": ["hello"]}',
    "no text": b'{"instances": [{}]}',
    "blank text": b'{"instances": [{"user_input": "  "}]}',
    "wrong type": b'{"instances": [{"user_input": 7}]}',
    "history no list": b'{"instances": [{"user_input": "Hi", "history": "hello"}]}',
    "history no texts": b'{"instances": [{"user_input": "Hi", "history": [1]}]}',
    "unknown key": b'{"instances": [{"user_input": "Hi", "colour": "red"}]}',
    "unserved language": b'{"instances": [{"user_input": "Hi", "language": "de"}]}',
    "too long": json.dumps({"instances": [{"user_input": "a" * 10_001}]}).encode(),
}


@pytest.fixture(scope="module")
def local() -> Iterator[Callable[[bytes], Answer]]:
    """Posts to `parley serve` on the file that is the same overlay, rendered."""
    command = [
        sys.executable,
        "-m",
        "graph.cli.main",
        "serve",
        "manifests/embedded.yaml",
        "--port=0",
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = _announced_url(server)
            yield lambda body: _post(url, body)
        finally:
            server.terminate()
            server.communicate(timeout=60)


def test_the_graph_comes_up_without_a_hand(
    embedded: Deployment, record_property: Callable[[str, object], None]
) -> None:
    """KServe retries a graph whose services were not ready, with a growing delay."""
    record_property("seconds from apply to the first answer", round(embedded.first_answer, 1))
    assert embedded.first_answer < 60


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_is_answered_as_on_one_machine(
    name: str, embedded: Deployment, local: Callable[[bytes], Answer]
) -> None:
    batch = BATCHES[name]
    on_cluster = embedded.ask(*batch)
    on_machine = local(json.dumps({"instances": batch}).encode())
    assert on_cluster.status == on_machine.status == 200, on_cluster.body
    assert _comparable(on_cluster.body) == _comparable(on_machine.body)
    for given, prediction in zip(batch, on_cluster.body["predictions"], strict=True):
        assert prediction["user_input"] == given["user_input"]
        assert prediction["response"].strip()
        assert len(prediction["history"]) == len(given.get("history", [])) + 2


def test_languages_are_detected_and_answered_in(embedded: Deployment) -> None:
    languages = [
        prediction["language"] for prediction in embedded.ask(*BATCHES["mixed"]).body["predictions"]
    ]
    assert languages == ["fr", "en"]


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_request_is_refused_as_on_one_machine(
    name: str, embedded: Deployment, local: Callable[[bytes], Answer]
) -> None:
    on_cluster = embedded.post(BAD_BODIES[name])
    on_machine = local(BAD_BODIES[name])
    assert on_cluster.status == on_machine.status
    assert on_cluster.status in (400, 413)
    assert set(on_cluster.body) == {"error", "request_id"}
    assert on_cluster.body["error"] == on_machine.body["error"]


def test_the_graph_goes_on_after_bad_requests(embedded: Deployment) -> None:
    assert embedded.ask({"user_input": "Hello"}).status == 200


def _announced_url(server: subprocess.Popen[str]) -> str:
    """The URL that `serve` prints once every predictor is ready."""
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line)
        if " is ready at " in line:
            return line.split(" is ready at ")[1].strip()
    raise AssertionError(f"parley serve ended before it was ready: {''.join(said)}")


def _post(url: str, body: bytes) -> Answer:
    response = httpx2.post(
        url, content=body, headers={"content-type": "application/json"}, timeout=120
    )
    return Answer(response.status_code, response.json())


def _comparable(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what is another one in every turn: its name, its deadline and its times."""
    for prediction in body["predictions"]:
        assert prediction.pop("request_id") and prediction.pop("deadline")
        for step in prediction["steps"]:
            del step["seconds"]
    return body
