"""What the chart renders runs on one machine too: `parley serve -`, with three languages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import xllamacpp
import yaml

from graph.client import ChatClient
from predictors.models.embedded import locate
from tests.deploy.chart import Chart
from tests.deploy.serving import serving

pytestmark = pytest.mark.models

THREE_LANGUAGES: dict[str, Any] = {"languages": {"it": {}}}
KEY = "a-key-of-the-test"


@pytest.fixture(scope="module")
def url(chart: Chart) -> Iterator[str]:
    """The embedded profile with Italian besides, as Helm renders it, served."""
    with serving(chart.text("embedded", values=THREE_LANGUAGES), {}) as address:
        yield address


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """llama.cpp's own server, which speaks OpenAI's protocol, up to and with its /v1."""
    parameters = xllamacpp.CommonParams()
    cache = tmp_path_factory.mktemp("models")
    parameters.model.path = str(locate("smollm2-135m-instruct", cache))
    parameters.model_alias = {"smollm2"}
    parameters.n_ctx = 2048
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [KEY]
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


def test_a_model_on_another_server_is_the_chat(chart: Chart, llama: str) -> None:
    values = {
        "translator": {"model": "embedded:gemma3-270m"},
        "chat": {"model": "", "openai": {"url": llama, "model": "smollm2"}},
    }
    rendered = chart.text("cpu", values=values)
    with serving(rendered, {"OPENAI_API_KEY": KEY}) as address, ChatClient(address) as client:
        reply = client.turn("Bonjour ! Comment allez-vous aujourd'hui ?")
    assert reply.language == "fr" and reply.response.strip()
    assert reply.steps[2].model == "smollm2"


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


def test_models_that_share_a_pod_are_served_here_too(chart: Chart) -> None:
    values = {"colocate": {"predictors": ["chat", "translators"]}}
    with serving(chart.text("embedded", values=values), {}) as address:
        with ChatClient(address) as client:
            reply = client.turn("Bonjour ! Comment allez-vous aujourd'hui ?")
    names = [step.name for step in reply.steps]
    assert names == [
        "parley-detector",
        "parley-translate-fr-en",
        "parley-chat",
        "parley-translate-en-fr",
    ]
    assert reply.language == "fr" and reply.response.strip()


def test_one_embedded_translator_serves_two_languages_in_both_directions(chart: Chart) -> None:
    shared = {"model": "embedded:gemma3-270m", "services": 1}
    rendered = chart.text("embedded", values=THREE_LANGUAGES | {"sharedTranslator": shared})
    with serving(rendered, {}) as address, ChatClient(address) as client:
        for text, language in (("Bonjour ! Merci beaucoup.", "fr"), ("Buongiorno! Grazie.", "it")):
            reply = client.turn(text)
            names = [step.name for step in reply.steps]
            assert names[1:] == ["parley-translate", "parley-chat", "parley-translate"]
            assert reply.language == language and reply.response.strip()


def test_helm_tests_conversation_goes_through_every_language(chart: Chart, url: str) -> None:
    """The very program and conversations of the test's pod, against the graph on this machine."""
    objects = yaml.safe_load_all(chart.text("embedded", values=THREE_LANGUAGES))
    (pod,) = (item for item in objects if item["kind"] == "Pod")
    program = pod["spec"]["containers"][0]
    environ = {item["name"]: item["value"] for item in program["env"]}
    conversations = json.loads(environ["CONVERSATIONS"])
    assert [each["language"] for each in conversations] == ["en", "fr", "it"]
    for each in conversations:
        assert each["gateway"]["url"].endswith("/v1/chat/completions")
        each["gateway"]["url"] = f"{url}/v1/chat/completions"
        each["graph"] = url
    here = json.dumps(conversations)
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
        assert done.stdout.count(f"{language} << ") == 1, done.stdout
