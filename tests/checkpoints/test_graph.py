"""The manifests on the reference models, as a user runs them: pull, convert, serve, ask.

The models are small ones of the true kinds under their true names, on a hub of this machine, so
what is said means nothing; which way it goes, and that there is an answer, is what is tested.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.checkpoints.reference_models import IDS
from tests.deploy.render import MANIFESTS, built_command, folder_with, kustomize_command
from tests.tools.hub import served

ITALIAN = str(MANIFESTS / "overlays" / "italian")
TRANSLATOR = str(MANIFESTS / "overlays" / "translator-flan-t5")
ROOT = MANIFESTS.parent
SECONDS = 180

MARIAN = "hf:Helsinki-NLP/opus-mt-fr-en@b4a9a384c2ec68a224bbd2ee3fd5df0c71ca5b1b"
T5 = "hf:google-t5/t5-small@df1b051c49625cf57a3d0d8d3863ed4d13564fe4"
BLENDERBOT = "hf:facebook/blenderbot-400M-distill@eaaf64e3be20ad1f1fb0bdf689565ba52c97eafe"
FLAN_T5 = "hf:google/flan-t5-large@0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a"

TURNS = {
    "fr": "Bonjour, je voudrais savoir où se trouve la gare.",
    "it": "Buongiorno, vorrei sapere dove si trova la stazione.",
    "en": "Good morning, I would like to know where the station is.",
}
# The services of a turn after the detector, each with its model.
WAYS = {
    "fr": [("translate-fr-en", MARIAN), ("chat", BLENDERBOT), ("translate-en-fr", T5)],
    "it": [("translate-it-en", FLAN_T5), ("chat", BLENDERBOT), ("translate-en-it", FLAN_T5)],
    "en": [("chat", BLENDERBOT)],
}


@dataclass(frozen=True)
class User:
    """Someone at a shell: the command `parley`, with these variables and no others."""

    environ: dict[str, str]

    def parley(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "graph.cli.main", *words],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    @contextmanager
    def serving(self, folder: str) -> Iterator[Served]:
        """`parley serve FOLDER`, from when it says that it is ready."""
        command = [sys.executable, "-m", "graph.cli.main", "serve", folder, "--port", "0"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stderr=subprocess.PIPE, text=True
        )
        # Ends the reading below, too, should it never get ready.
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if " is ready at " in line:
                    break
            else:
                pytest.fail(f"parley serve ended: {said}")
            timer.cancel()
            yield Served(line.split()[-1], process.pid)
            process.terminate()
            assert process.wait(timeout=60) == 0
        finally:
            timer.cancel()
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Served:
    url: str
    pid: int

    def ask(self, *instances: dict[str, Any]) -> list[dict[str, Any]]:
        answer = httpx2.post(self.url, json={"instances": list(instances)}, timeout=60)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["predictions"])


@pytest.fixture(scope="module")
def user(
    trained: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[User]:
    """A user whose model cache was filled by what `parley serve` told them to run."""
    folder = tmp_path_factory.mktemp("user")
    for family, name in IDS.items():
        shutil.copytree(trained(family), folder / "hub" / name)
    program = folder_with(
        kustomize_command(os.environ) or built_command(os.environ), folder / "bin"
    )
    cache = folder / "models"
    with served(folder / "hub") as hub:
        user = User(
            {"PATH": str(program), "HOME": str(folder), "PARLEY_MODELS": str(cache), **hub.environ}
        )
        refused = user.parley("serve", ITALIAN)
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"parley: 4 models are not in {cache}; run: ")
        parley, *pull = refused.stderr.partition("run: ")[2].split()
        assert [parley, *pull[:2]] == ["parley", "models", "pull"]
        for words in (pull, ["models", "convert", *pull[2:]]):
            done = user.parley(*words)
            assert done.returncode == 0, done.stderr
        assert set(pull[2:]) == {MARIAN, T5, BLENDERBOT, FLAN_T5}
        listed = user.parley("models", "list").stdout
        for model in pull[2:]:
            assert re.search(rf"^{re.escape(model)} +int8 ", listed, re.M)
    # The hub is gone: what is served comes from the cache.
    yield user


@pytest.fixture(scope="module")
def chat(user: User) -> Iterator[Served]:
    with user.serving(ITALIAN) as chat:
        yield chat


def way_of(prediction: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and model of the steps after the detector."""
    detector, *steps = prediction["steps"]
    assert detector["name"] == "detector"
    return [(step["name"], step["model"]) for step in steps]


@pytest.mark.parametrize("language", TURNS)
def test_the_italian_overlay_answers_in_each_language(language: str, chat: Served) -> None:
    [first] = chat.ask({"user_input": TURNS[language]})
    assert first["language"] == first["route"] == language
    assert way_of(first) == WAYS[language]
    assert first["user_input_en"] and first["response_en"] and first["response"]
    assert first["history"] == [first["user_input_en"], first["response_en"]]
    [second] = chat.ask({"user_input": TURNS[language], "history": first["history"]})
    assert second["history"][:2] == first["history"] and len(second["history"]) == 4
    assert second["response"]


def test_a_batch_of_all_languages_is_answered_each_in_its_own(chat: Served) -> None:
    predictions = chat.ask(*({"user_input": text} for text in TURNS.values()))
    assert [prediction["language"] for prediction in predictions] == list(TURNS)
    for language, prediction in zip(TURNS, predictions, strict=True):
        assert prediction["route"] == "mixed"
        assert way_of(prediction) == WAYS[language]
        assert prediction["response"]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
def test_the_conversions_are_served_without_torch(chat: Served) -> None:
    chat.ask({"user_input": TURNS["fr"]})
    mapped = Path(f"/proc/{chat.pid}/maps").read_text()
    assert "ctranslate2" in mapped
    assert "libtorch" not in mapped


def test_the_translator_overlay_answers_english_and_italian_by_flan_t5(user: User) -> None:
    with user.serving(TRANSLATOR) as translator:
        for language, service in (("en", "translate-en-it"), ("it", "translate-it-en")):
            [prediction] = translator.ask({"user_input": TURNS[language]})
            assert prediction["language"] == language
            assert way_of(prediction) == [(service, FLAN_T5)]
            assert prediction["response"]


def test_parley_translate_takes_the_translator_overlay(user: User) -> None:
    done = user.parley("translate", TURNS["en"], "--to", "it", "--file", TRANSLATOR)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and done.stderr == ""
