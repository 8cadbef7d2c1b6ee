"""The content type of an answer. KServe's router leaves it to Go's `net/http`.

Valid JSON is `application/json`, an empty body has none, and the first 512 bytes of anything else
say whether it is HTML, XML, other text or not text at all. Go also recognises images, fonts,
archives and the like; a graph does not answer with those, so they have no type of their own here.
"""

from __future__ import annotations

import re

from graph.golang.json import is_valid

_SNIFFED_BYTES = 512
_TAGS = rb"!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P|!--"
_HTML = re.compile(rb"[\t\n\x0c\r ]*<(?:" + _TAGS + rb")[ >]", re.IGNORECASE)
_XML = re.compile(rb"[\t\n\x0c\r ]*<\?xml")
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def detect_content_type(body: bytes) -> str | None:
    """The content type of an answer's body, None for an empty one."""
    if not body:
        return None
    return "application/json" if is_valid(body) else _sniff(body[:_SNIFFED_BYTES])


def _sniff(head: bytes) -> str:
    if _HTML.match(head):
        return "text/html; charset=utf-8"
    if _XML.match(head):
        return "text/xml; charset=utf-8"
    if _BINARY.search(head) and not head.startswith(_BYTE_ORDER_MARK):
        return "application/octet-stream"
    return "text/plain; charset=utf-8"
