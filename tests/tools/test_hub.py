"""The stand-in hub by itself: what it lists, gives and refuses, as a process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 20


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hub")
    repository = folder / "owner" / "a-model"
    repository.mkdir(parents=True)
    (repository / "config.json").write_text("{}")
    (repository / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "secret.txt").write_text("outside every repository")
    command = [sys.executable, "-m", "tests.tools.hub", str(folder), "--host", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate(timeout=30)


@pytest.mark.parametrize("commit", [COMMIT, COMMIT[::-1]])
def test_any_commit_lists_the_files_and_the_hash_of_the_large_ones(url: str, commit: str) -> None:
    answer = httpx2.get(f"{url}/api/models/owner/a-model/revision/{commit}?blobs=true").json()
    assert answer["sha"] == commit
    small, large = answer["siblings"]
    assert small == {"rfilename": "config.json", "size": 2}
    assert large["lfs"]["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()


def test_a_file_is_given_whole_by_its_head_or_from_a_byte_on(url: str) -> None:
    file = f"{url}/owner/a-model/resolve/{COMMIT}/model.safetensors"
    head = httpx2.head(file)
    assert head.headers["X-Repo-Commit"] == COMMIT
    assert head.headers["ETag"].strip('"') == hashlib.sha256(WEIGHTS).hexdigest()
    assert head.headers["Content-Length"] == str(len(WEIGHTS)) and head.content == b""
    assert httpx2.get(file).content == WEIGHTS
    rest = httpx2.get(file, headers={"Range": "bytes=5000-"})
    assert (rest.status_code, rest.content) == (206, WEIGHTS[5000:])
    assert rest.headers["Content-Range"] == f"bytes 5000-{len(WEIGHTS) - 1}/{len(WEIGHTS)}"
    over = httpx2.get(file, headers={"Range": f"bytes={len(WEIGHTS)}-"})
    assert (over.status_code, over.headers["Content-Range"]) == (416, f"bytes */{len(WEIGHTS)}")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"/api/models/owner/other/revision/{COMMIT}", "RepoNotFound"),
        ("/api/models/owner/a-model/revision/main", "RevisionNotFound"),
        (f"/owner/a-model/resolve/{COMMIT}/absent.json", "EntryNotFound"),
        (f"/owner/a-model/resolve/{COMMIT}/..%2F..%2Fsecret.txt", "EntryNotFound"),
        ("/secret.txt", "RevisionNotFound"),
    ],
)
def test_what_is_not_there_is_404_with_the_hubs_own_code(url: str, path: str, code: str) -> None:
    answer = httpx2.get(url + path)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, code)
