"""The chat page: the files of `static/`, which the gateway serves itself, to everybody.

The page asks nobody but the gateway that it came from, and its policy lets it ask nobody else. What
a model writes cannot become a script of it: no inline script runs, and text is never read as HTML.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from graph.asgi import Answer, Scope, Send, send_answer

INDEX = "/"
PREFIX = "/static/"
_INDEX_FILE = "index.html"
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Trusted types: the browser itself refuses a text where HTML or a script is made of it.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    # A browser asks each time whether a file is still the same, so that all are of one version.
    (b"cache-control", b"no-cache"),
]


@dataclass(frozen=True)
class File:
    """etag: a name of the content, in quotes as HTTP has it."""

    answer: Answer
    etag: str


@dataclass(frozen=True)
class Page:
    """files: by the path at which each is served."""

    files: Mapping[str, File]

    @staticmethod
    def read() -> Page:
        """The page as it was installed."""
        folder = resources.files(__package__) / "static"
        named = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
        files = {PREFIX + name: _file(name, content) for name, content in named.items()}
        return Page(files | {INDEX: files[PREFIX + _INDEX_FILE]})

    def has(self, scope: Scope) -> bool:
        """Whether a request asks for a file of the page."""
        return scope["method"] in ("GET", "HEAD") and scope["path"] in self.files

    async def answer(self, scope: Scope, send: Send) -> None:
        """Send a file that there is, or that the client has it already."""
        file = self.files[scope["path"]]
        known = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        answer = Answer(304) if file.etag in known else file.answer
        await send_answer(send, answer, [*_HEADERS, (b"etag", file.etag.encode())])


def _file(name: str, content: bytes) -> File:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(Answer(200, content, _KINDS[name.rpartition(".")[2]]), etag)
