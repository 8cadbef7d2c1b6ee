"""The dependency gate, by pip-audit itself against a stand-in for the advisory service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tools.audit import ROOT, main, read_pins

ADVISORY = {
    "id": "GHSA-xxxx-yyyy-zzzz",
    "summary": "a hole",
    "affected": [
        {
            "package": {"name": "holey", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """Knows one hole, in `holey` 1.1."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        holey = (query["package"]["name"], query["version"]) == ("holey", "1.1")
        body = json.dumps({"vulns": [ADVISORY]} if holey else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        server.shutdown()
        thread.join()


def lock(folder: Path, text: str) -> str:
    file = folder / "lock.txt"
    file.write_text(text)
    return str(file)


def test_a_version_with_a_hole_fails_and_its_fix_is_named(
    service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = lock(tmp_path, "holey==1.1 \\\n    --hash=sha256:00\nsound==2\n")
    assert main([f"--service={service}", file]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first == "holey 1.1: GHSA-xxxx-yyyy-zzzz; fixed in 1.2"
    assert last == "audited 2 locked packages: 1 advisories"


def test_every_version_of_a_package_is_looked_up(
    service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = lock(tmp_path, "holey==1.2 ; python_version < '3.12'\nholey==1.1\n")
    assert main([f"--service={service}", file]) == 1
    assert "holey 1.1" in capsys.readouterr().out


def test_sound_packages_pass(service: str, tmp_path: Path) -> None:
    assert main([f"--service={service}", lock(tmp_path, "holey==1.2\n")]) == 0


def test_without_the_service_it_says_that_nothing_was_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--service=http://127.0.0.1:9/v1/query", lock(tmp_path, "holey==1.1\n")]) == 0
    assert capsys.readouterr().out.startswith("NOT AUDITED: http://127.0.0.1:9/v1/query was not")


def test_the_locked_packages_are_read_from_every_file() -> None:
    pins = read_pins((ROOT / "requirements").glob("*.txt"))
    assert {"kserve", "torch", "pytest", "nvidia-cublas-cu12"} <= set(pins)
    assert all(versions and "" not in versions for versions in pins.values())
