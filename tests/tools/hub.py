"""A stand-in model hub: the part of the hub's protocol that `huggingface_hub` downloads by.

    python -m tests.tools.hub FOLDER --host ADDRESS --port N

It serves the repositories that lie in FOLDER/OWNER/NAME, of which there is one version: every
commit that is asked for, 40 hexadecimal digits, is that one. Standard library only, so that it runs
in a container. No branches, no tokens, no uploads, and only `HEAD`, `GET` and one open range.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import threading
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# What a hub keeps beside git, and so knows the SHA-256 of.
LARGE = (".safetensors", ".bin")
BLOCK = 1 << 20

_REPOSITORY = r"(?P<repository>[\w-][\w.-]*/[\w-][\w.-]*)"
_COMMIT = r"(?P<commit>[0-9a-f]{40})"
_API = re.compile(rf"/api/models/{_REPOSITORY}/revision/{_COMMIT}")
_TREE = re.compile(rf"/api/models/{_REPOSITORY}/tree/{_COMMIT}")
_FILE = re.compile(rf"/{_REPOSITORY}/resolve/{_COMMIT}/(?P<name>.+)")
_OPEN_RANGE = re.compile(r"bytes=(\d+)-")


class Hub(ThreadingHTTPServer):
    """Serves a folder of repositories; what it notes and what it may be told, by OWNER/NAME/FILE.

    sent: bytes sent of each file.  refused: files that are listed but not given.  claimed: SHA-256
    that the list states in place of the true one.
    """

    def __init__(self, folder: Path, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, Handler)
        self.folder = folder
        self.sent: dict[str, int] = {}
        self.refused: set[str] = set()
        self.claimed: dict[str, str] = {}
        self._hashes: dict[Path, tuple[tuple[int, int], str]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def environ(self) -> dict[str, str]:
        """The variable that makes `huggingface_hub` ask here."""
        return {"HF_ENDPOINT": self.url}

    def files(self, repository: str) -> dict[str, Path]:
        """The files of a repository by their names in it; none where it is not."""
        root = self.folder / repository
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path for path in paths}

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file, computed once while it does not change."""
        stat = path.stat()
        mark = (stat.st_size, stat.st_mtime_ns)
        with self._lock:
            if self._hashes.get(path, ((), ""))[0] != mark:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                self._hashes[path] = (mark, digest)
            return self._hashes[path][1]

    def count(self, name: str, size: int) -> None:
        with self._lock:
            self.sent[name] = self.sent.get(name, 0) + size


class Handler(BaseHTTPRequestHandler):
    """Three answers: what a repository holds, a file of it, and that there is none."""

    server: Hub

    def do_GET(self) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if match := _API.fullmatch(path):
            self._send_list(match["repository"], match["commit"])
        elif match := _TREE.fullmatch(path):
            self._send_tree(match["repository"], match["commit"])
        elif match := _FILE.fullmatch(path):
            self._send_file(match["repository"], match["commit"], match["name"])
        else:
            self._refuse("RevisionNotFound", "a repository and a commit of 40 digits are asked for")

    do_HEAD = do_GET

    def _send_list(self, repository: str, commit: str) -> None:
        files = self.server.files(repository)
        if not files:
            self._refuse("RepoNotFound", f"{repository}: no such repository")
            return
        siblings = [
            {"rfilename": name, "size": path.stat().st_size, **self._large(repository, name, path)}
            for name, path in files.items()
        ]
        self._send_json(commit, {"id": repository, "sha": commit, "siblings": siblings})

    def _send_tree(self, repository: str, commit: str) -> None:
        """Every file of the repository, as is asked for with `recursive`."""
        files = self.server.files(repository)
        entries = []
        for name, path in files.items():
            # The true hub's is git's own hash of the file.
            entry = {"type": "file", "oid": self.server.sha256(path)[:40], "path": name}
            size = path.stat().st_size
            entries.append({**entry, "size": size, **self._large(repository, name, path)})
        self._send_json(commit, entries)

    def _send_json(self, commit: str, value: object) -> None:
        body = json.dumps(value).encode()
        self._send_head(HTTPStatus.OK, commit, len(body), {"Content-Type": "application/json"})
        if self.command == "GET":
            self.wfile.write(body)

    def _large(self, repository: str, name: str, path: Path) -> dict[str, Any]:
        """What is listed of a large file besides; the hash has another name in each list."""
        if not name.endswith(LARGE):
            return {}
        sha256 = self.server.claimed.get(f"{repository}/{name}") or self.server.sha256(path)
        size = path.stat().st_size
        return {"lfs": {"sha256": sha256, "oid": sha256, "size": size, "pointerSize": 134}}

    def _send_file(self, repository: str, commit: str, name: str) -> None:
        path = self.server.files(repository).get(name)
        whole = f"{repository}/{name}"
        if path is None or whole in self.server.refused:
            self._refuse("EntryNotFound", f"{whole}: no such file", commit)
            return
        size = path.stat().st_size
        wanted = _OPEN_RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        headers = {"ETag": f'"{self.server.sha256(path)}"', "Accept-Ranges": "bytes"}
        if wanted is None:
            self._send_head(HTTPStatus.OK, commit, size, headers)
        elif start < size:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            self._send_head(HTTPStatus.PARTIAL_CONTENT, commit, size - start, headers)
        else:
            headers["Content-Range"] = f"bytes */{size}"
            self._send_head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, commit, 0, headers)
            return
        if self.command == "GET":
            self._send_bytes(whole, path, start)

    def _send_bytes(self, whole: str, path: Path, start: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            while block := file.read(BLOCK):
                self.wfile.write(block)
                self.server.count(whole, len(block))

    def _refuse(self, code: str, message: str, commit: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._send_head(HTTPStatus.NOT_FOUND, commit, 0, headers)

    def _send_head(self, status: int, commit: str, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[Hub]:
    """A hub of this process on a free port of this machine."""
    with Hub(folder) as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.tools.hub", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="repositories as OWNER/NAME/files")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args(argv)
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder}: no such folder")
    with Hub(arguments.folder, (arguments.host, arguments.port)) as hub:
        print(hub.url, flush=True)
        try:
            hub.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
