"""LibreTranslate's engine, argostranslate, on a conversion for CTranslate2, behind a plain server.

Its packages hold a model that ends by itself; the bench's ends nowhere, so the length is fixed
here, and so are the end token of a source, which its own models do without, and the sentences,
whose splitter would be fetched from elsewhere. It imports nothing of the project: a package of its
environment has the same name as the tests.
"""

from __future__ import annotations

import json
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import ctranslate2
from argostranslate import package, settings, translate


class FixedLength(ctranslate2.Translator):  # type: ignore[misc]
    """Every answer has the length of the checkpoint's."""

    tokens = 0

    def translate_batch(self, source: list[list[str]], **options: Any) -> Any:
        options |= {"max_decoding_length": self.tokens, "min_decoding_length": self.tokens}
        return super().translate_batch([[*row, "</s>"] for row in source], **options)


class OneSentence:
    def split_sentences(self, text: str) -> list[str]:
        return [text]


class Translator:
    def __init__(self, folder: Path, tokens: int) -> None:
        self._package = package.Package(folder)
        self._translator = FixedLength(
            str(folder / "model"),
            device="cpu",
            inter_threads=settings.inter_threads,
            intra_threads=settings.intra_threads,
            compute_type=settings.compute_type,
        )
        self._translator.tokens = tokens

    def answer(self, text: str) -> str:
        [found] = translate.apply_packaged_translation(
            self._package, text, self._translator, OneSentence(), 1
        )
        return str(found.value)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Of clients that connect at once.
    request_queue_size = 256


def handler_of(translator: Translator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send({"ready": True})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            [instance] = body["instances"]
            answer = translator.answer(instance["user_input"])
            self._send({"predictions": [{"response": answer}]})

        def _send(self, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def make_package(conversion: Path, folder: Path) -> None:
    """A package of argostranslate, in `folder`, of a conversion of Marian."""
    folder.mkdir(parents=True)
    about = {"from_code": "fr", "to_code": "en", "from_name": "French", "to_name": "English"}
    (folder / "metadata.json").write_text(json.dumps({**about, "type": "translate"}))
    (folder / "model").symlink_to(conversion)
    (folder / "sentencepiece.model").symlink_to(conversion / "source.spm")


def main(argv: list[str]) -> None:
    """argv: the port, the conversion's folder, and the tokens of an answer."""
    work = Path(tempfile.mkdtemp()) / "package"
    make_package(Path(argv[1]), work)
    translator = Translator(work, int(argv[2]))
    server = Server(("127.0.0.1", int(argv[0])), handler_of(translator))
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
