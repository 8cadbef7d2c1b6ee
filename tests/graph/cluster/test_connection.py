"""What is wrong with a kubeconfig, and with what it names, is told in one line."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.cluster.connection import connect
from graph.errors import NoCluster, Unauthorized, Unreachable

# Nothing listens on port 1 of this machine.
CLOSED = "http://127.0.0.1:1"


class Page(http.server.BaseHTTPRequestHandler):
    """What answers every request in the same way, and is no API server."""

    def __init__(self, body: bytes, *args: Any) -> None:
        self.body = body
        super().__init__(*args)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(body: bytes) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Page, body)) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def config(server: str, *contexts: str, user: Any = None) -> dict[str, Any]:
    """A kubeconfig whose first context is the current one."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts[0],
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}] if user else [],
        "contexts": [{"name": n, "context": {"cluster": "here", "user": "me"}} for n in contexts],
    }


def write(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def test_a_server_that_is_not_there_is_told_with_its_address(tmp_path: Path) -> None:
    file = write(tmp_path / "config", config(CLOSED, "a"))
    with pytest.raises(Unreachable, match=f"{CLOSED}: no connection: Connection refused; is the"):
        connect(kubeconfig=file)


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b'{"groups": 1}', b'{"kind": "x"}'])
def test_a_server_that_is_no_api_server_is_told(body: bytes, tmp_path: Path) -> None:
    with serving(body) as server:
        file = write(tmp_path / "config", config(server, "a"))
        with pytest.raises(NoCluster, match="does not answer as a Kubernetes API server does"):
            connect(kubeconfig=file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "file is empty"),
        ("a: [", "cannot be used"),
        ("- x", "is not a kubeconfig"),
        ("kind: Config", "has no current context"),
        (config(CLOSED, "production") | {"current-context": "producton"}, 'mean "production"'),
        (config(CLOSED, "a", "b") | {"current-context": "x"}, r"there are \['a', 'b'\]"),
        (config(CLOSED, "a") | {"clusters": []}, "Expected object with name here"),
        (config("10.0.0.1:6443", "a"), "server of context a must begin with https://"),
        (config("https://x.invalid", "a", user={"client-certificate": "none.pem"}), "none.pem"),
        (config("https://x.invalid", "a", user={"client-key-data": "a"}), "is not a kubeconfig"),
    ],
)
def test_a_kubeconfig_that_is_wrong_is_told_by_its_name(
    content: Any, words: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "config", content)
    with pytest.raises(NoCluster, match=words) as told:
        connect(kubeconfig=file)
    assert file in told.value.message


def test_a_plugin_that_gives_no_credentials_is_named(tmp_path: Path) -> None:
    plugin = {"command": "no-such-plugin", "apiVersion": "client.authentication.k8s.io/v1"}
    file = write(tmp_path / "config", config(CLOSED, "a", user={"exec": plugin}))
    with pytest.raises(Unauthorized, match="context a: its plugin no-such-plugin gave no cred"):
        connect(kubeconfig=file)


@pytest.mark.parametrize(
    ("options", "environ", "words"),
    [
        ({"kubeconfig": "/none/config"}, {}, "no cluster is named: /none/config is not there"),
        ({}, {"KUBECONFIG": "/none/a:/none/b"}, "/none/a:/none/b is not there; set KUBECONFIG"),
        (
            {"context": "a"},
            {"KUBECONFIG": "/none", "KUBERNETES_SERVICE_HOST": "10.0.0.1"},
            "no cluster is named",
        ),
        (
            {},
            {"KUBECONFIG": "/none", "KUBERNETES_SERVICE_HOST": "10.0.0.1"},
            "the account of this pod cannot be used",
        ),
    ],
)
def test_where_no_cluster_is_named_it_is_said_what_names_one(
    options: dict[str, str], environ: dict[str, str], words: str
) -> None:
    with pytest.raises(NoCluster, match=words):
        connect(environ=environ, **options)
