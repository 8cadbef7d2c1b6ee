"""OpenAI's client of another language, npm's `openai`, against a running gateway."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph.gateway.app import GatewayApp
from graph.gateway.keys import ApiKeys
from tests.graph.gateway.playing import Gate, Writes, local_graph

FOLDER = Path(__file__).parent / "npm"
MODEL = "multilingual-chat"
KEY = "a-key-of-sixteen-characters"
FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
ANSWER = "fr:One is here 😀. fr:Two is there."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client with the packages of the lock, whose hashes npm checks."""
    missing = [program for program in ("node", "npm") if not shutil.which(program)]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)} on the PATH")
    folder = tmp_path_factory.mktemp("npm") / "client"
    shutil.copytree(FOLDER, folder)
    run("npm", "ci", folder=folder)
    return folder


def run(*words: str, folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def heard(client: Path) -> Callable[[str], dict[str, Any]]:
    def ask(url: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            run("node", "client.mjs", f"{url}/v1", KEY, MODEL, FRENCH, folder=client)
        )
        return told

    return ask


def test_npms_client_understands_all_that_it_is_answered(
    heard: Callable[[str], dict[str, Any]], serve_app: Callable[[Any], str]
) -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here 😀. Two is there.")))
    told = heard(serve_app(GatewayApp(gate.gateway, ApiKeys((KEY.encode(),)))))
    assert told["models"] == [MODEL, f"{MODEL}:en", f"{MODEL}:fr"]
    assert told["whole"]["text"] == told["helped"] == ANSWER
    assert told["whole"]["parley"]["response_en"] == "One is here 😀. Two is there."
    assert told["usage"]["completion_tokens"] == told["parts"]["tokens"] == 7
    assert told["parts"]["words"] == ["fr:One is here 😀.", " fr:Two is there."]
    assert (told["parts"]["finish"], told["parts"]["parley"]["language"]) == ("stop", "fr")
    assert told["left"] is True
    wrong = {"type": "invalid_request_error", "id": True}
    assert told["refused"] == {
        "tools": wrong | {"kind": "BadRequestError", "status": 400, "param": "tools"},
        "model": wrong | {"kind": "NotFoundError", "status": 404, "param": None},
    }


def test_the_lock_holds_hashes_and_no_address() -> None:
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    locked = [package for name, package in packages.items() if name]
    assert locked and all(package["integrity"].startswith("sha512-") for package in locked)
    assert not any("resolved" in package for package in locked)
