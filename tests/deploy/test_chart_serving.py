"""What the chart renders runs on one machine too: `parley serve -`, with three languages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from graph.client import ChatClient
from tests.deploy.chart import CHART, Chart

pytestmark = pytest.mark.models

THREE_LANGUAGES: dict[str, Any] = {"languages": {"it": {}}}
SERVE = [sys.executable, "-m", "graph.cli.main", "serve", "-", "--port=0"]


@pytest.fixture(scope="module")
def url(chart: Chart) -> Iterator[str]:
    """The embedded profile with Italian besides, as Helm renders it, served."""
    rendered = chart.text("embedded", values=THREE_LANGUAGES)
    with subprocess.Popen(
        SERVE, cwd=CHART.parents[1], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None and server.stderr is not None
        server.stdin.write(rendered)
        server.stdin.close()
        said: list[str] = []
        try:
            for line in server.stderr:
                said.append(line)
                if " is ready at " in line:
                    yield line.split(" is ready at ")[1].strip()
                    break
            else:
                pytest.fail(f"parley serve ended before it was ready: {''.join(said)}")
        finally:
            server.terminate()
            server.wait(timeout=60)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good morning! How are you today?", "en"),
        ("Bonjour ! Comment allez-vous aujourd'hui ?", "fr"),
        ("Buongiorno! Come stai oggi?", "it"),
    ],
)
def test_every_language_is_detected_and_answered(text: str, language: str, url: str) -> None:
    with ChatClient(url) as client:
        reply = client.turn(text)
    assert reply.language == language
    assert reply.response.strip()


def test_helm_tests_conversation_goes_through_every_language(chart: Chart, url: str) -> None:
    """The very program and conversations of the test's pod, against the graph on this machine."""
    objects = yaml.safe_load_all(chart.text("embedded", values=THREE_LANGUAGES))
    (pod,) = (item for item in objects if item["kind"] == "Pod")
    program = pod["spec"]["containers"][0]
    environ = {item["name"]: item["value"] for item in program["env"]}
    conversations = json.loads(environ["CONVERSATIONS"])
    assert [each["language"] for each in conversations] == ["en", "fr", "it"]
    here = json.dumps([each | {"graph": url} for each in conversations])
    done = subprocess.run(
        [sys.executable, "-c", *program["args"]],
        env=environ | {"CONVERSATIONS": here},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "degraded" not in done.stdout
    for language in ("en", "fr", "it"):
        assert done.stdout.count(f"{language} < ") == 2, done.stdout
