"""Pulling from a hub: a real HTTP server that speaks as much of the hub's protocol as is used."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.models.convert import convert
from predictors.models.manifest import check_folder, read_manifest
from predictors.models.pull import pull
from predictors.models.resolve import resolve

REVISION = "0123456789abcdef0123456789abcdef01234567"
MODEL = f"hf:toy/marian@{REVISION}"


class Hub(ThreadingHTTPServer):
    """One repository, from a folder. `cut`: bytes of a weight file after which it hangs up once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.sha256 = {n: hashlib.sha256(d).hexdigest() for n, d in self.files.items()}
        self.sent: dict[str, int] = {}
        self.refuse = ""

    @property
    def environ(self) -> dict[str, str]:
        return {"HF_ENDPOINT": f"http://127.0.0.1:{self.server_address[1]}"}


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/toy/marian"):
            files = [
                {
                    "rfilename": name,
                    "size": len(data),
                    "lfs": {"sha256": self.server.sha256[name], "size": len(data), "pointerSize": 1}
                    if name.endswith(("safetensors", "bin"))
                    else None,
                }
                for name, data in self.server.files.items()
            ]
            body = {"id": "toy/marian", "sha": REVISION, "siblings": files}
            self._reply(200, json.dumps(body).encode(), "api")
            return
        name = self.path.rpartition("/")[2]
        if name not in self.server.files or name == self.server.refuse:
            self._reply(404, b"", name)
            return
        self._reply(200, self.server.files[name], name)

    do_HEAD = do_GET

    def _reply(self, status: int, data: bytes, name: str) -> None:
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.send_response(206 if start else status)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "GET":
            self.server.sent[name] = self.server.sent.get(name, 0) + len(data) - start
            self.wfile.write(data[start:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(checkpoint: Callable[[str], Path]) -> Iterator[Hub]:
    with Hub(checkpoint("marian")) as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


def test_a_pull_is_whole_pinned_and_made_once(hub: Hub, tmp_path: Path) -> None:
    hub.files |= {"README.md": b"#", "code.py": b"raise SystemExit", "pytorch_model.bin": b"x"}
    hub.sha256 |= dict.fromkeys(("README.md", "code.py", "pytorch_model.bin"), "")
    folder = pull(MODEL, str(tmp_path), environ=hub.environ)
    manifest = read_manifest(folder)
    assert manifest.source == MODEL
    assert not {"README.md", "code.py", "pytorch_model.bin"} & set(manifest.files)
    check_folder(folder, manifest)
    sent = dict(hub.sent)
    assert pull(MODEL, str(tmp_path), environ=hub.environ) == folder
    assert hub.sent == sent
    assert resolve(MODEL, str(tmp_path), engine="transformers").path == folder
    converted = convert(MODEL, str(tmp_path))
    assert resolve(MODEL, str(tmp_path)).path == converted


def test_an_interrupted_pull_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.refuse = "vocab.json"
    with pytest.raises(ModelError, match="cannot be pulled"):
        pull(MODEL, str(tmp_path), environ=hub.environ)
    assert not list((tmp_path / "hf").glob("[!.]*"))
    weights = hub.sent["model.safetensors"]
    hub.refuse = ""
    check_folder(
        *(lambda f: (f, read_manifest(f)))(pull(MODEL, str(tmp_path), environ=hub.environ))
    )
    assert hub.sent["model.safetensors"] == weights


def test_a_file_that_is_not_the_hubs_is_refused_by_name(hub: Hub, tmp_path: Path) -> None:
    hub.sha256["model.safetensors"] = "0" * 64
    with pytest.raises(ModelError, match="model.safetensors: its SHA-256 is not the hub's"):
        pull(MODEL, str(tmp_path), environ=hub.environ)
    assert not list((tmp_path / "hf").glob("[!.]*"))


def test_a_hub_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be pulled") as caught:
        pull(MODEL, str(tmp_path), environ={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "\n" not in str(caught.value)
