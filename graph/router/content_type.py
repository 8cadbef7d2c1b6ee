"""The content type of an answer, as KServe's router and Go's `net/http` set it.

Valid JSON is `application/json`, nothing has none, and the rest is judged by its first 512 bytes
with the rules of the WHATWG (https://mimesniff.spec.whatwg.org), of which Go implements a part.
"""

from __future__ import annotations

import re

from graph.golang.json import is_valid

_SNIFFED_BYTES = 512
_HTML_TAGS = (
    rb"<!DOCTYPE HTML", rb"<HTML", rb"<HEAD", rb"<SCRIPT", rb"<IFRAME", rb"<H1", rb"<DIV",
    rb"<FONT", rb"<TABLE", rb"<A", rb"<STYLE", rb"<TITLE", rb"<B", rb"<BODY", rb"<BR", rb"<P",
    rb"<!--",
)  # fmt: skip
_HTML = re.compile(rb"[\t\n\x0c\r ]*(?:" + b"|".join(_HTML_TAGS) + rb")[ >]", re.IGNORECASE)
_XML = re.compile(rb"[\t\n\x0c\r ]*<\?xml")
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
# Each pattern is matched at the start, in this order.
_SIGNATURES = tuple(
    (re.compile(pattern, re.DOTALL), content_type)
    for pattern, content_type in (
        (rb"%PDF-", "application/pdf"),
        (rb"%!PS-Adobe-", "application/postscript"),
        (rb"\xfe\xff..", "text/plain; charset=utf-16be"),
        (rb"\xff\xfe..", "text/plain; charset=utf-16le"),
        (rb"\xef\xbb\xbf.", "text/plain; charset=utf-8"),
        (rb"\x00\x00[\x01\x02]\x00", "image/x-icon"),
        (rb"BM", "image/bmp"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"RIFF....WEBPVP", "image/webp"),
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"FORM....AIFF", "audio/aiff"),
        (rb"ID3", "audio/mpeg"),
        (rb"OggS\x00", "application/ogg"),
        (rb"MThd\x00\x00\x00\x06", "audio/midi"),
        (rb"RIFF....AVI ", "video/avi"),
        (rb"RIFF....WAVE", "audio/wave"),
    )
)
_SIGNATURES_AFTER_MP4 = tuple(
    (re.compile(pattern, re.DOTALL), content_type)
    for pattern, content_type in (
        (rb"\x1a\x45\xdf\xa3", "video/webm"),
        (rb".{34}LP", "application/vnd.ms-fontobject"),
        (rb"\x00\x01\x00\x00", "font/ttf"),
        (rb"OTTO", "font/otf"),
        (rb"ttcf", "font/collection"),
        (rb"wOFF", "font/woff"),
        (rb"wOF2", "font/woff2"),
        (rb"\x1f\x8b\x08", "application/x-gzip"),
        (rb"PK\x03\x04", "application/zip"),
        (rb"Rar!\x1a\x07(?:\x00|\x01\x00)", "application/x-rar-compressed"),
        (rb"\x00asm", "application/wasm"),
    )
)


def detect_content_type(body: bytes) -> str | None:
    """The content type of an answer's body, None for an empty one."""
    if not body:
        return None
    return "application/json" if is_valid(body) else sniff(body[:_SNIFFED_BYTES])


def sniff(head: bytes) -> str:
    """Go's http.DetectContentType for the first bytes of a body."""
    if _HTML.match(head):
        return "text/html; charset=utf-8"
    if _XML.match(head):
        return "text/xml; charset=utf-8"
    for pattern, content_type in _SIGNATURES:
        if pattern.match(head):
            return content_type
    if _is_mp4(head):
        return "video/mp4"
    for pattern, content_type in _SIGNATURES_AFTER_MP4:
        if pattern.match(head):
            return content_type
    return "application/octet-stream" if _BINARY.search(head) else "text/plain; charset=utf-8"


def _is_mp4(head: bytes) -> bool:
    size = int.from_bytes(head[:4])
    if len(head) < 12 or len(head) < size or size % 4 or head[4:8] != b"ftyp":
        return False
    # The four bytes at 12 are the version of the brand before them.
    return any(head[at : at + 3] == b"mp4" for at in range(8, size, 4) if at != 12)
