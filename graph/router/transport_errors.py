"""httpx2's errors in the words of Go's HTTP client, which KServe's router puts into its answers.

The common ones are exact. A name that does not resolve and the rarer faults of a server's HTTP
have the same beginning and words of their own, as `graph/README.md` says.
"""

from __future__ import annotations

import ast
import errno
import os
import re
import socket
import zlib
from urllib.parse import urlsplit

import httpx2

from graph.golang.url import quote

_BROKEN = "net/http: HTTP/1.x transport connection broken: "
_CLOSED = "Server disconnected without sending a response"
_TRUNCATED = ("peer closed connection", "peer unexpectedly closed")
_GZIP_HEADER = 10
# asyncio says which address it tried, as Go does.
_TRIED = re.compile(r"Connect call failed \('([^']*)'")
_ILLEGAL_LINE = re.compile(r"illegal (status line|header line): bytearray\((b.*)\)", re.DOTALL)


def explain(err: httpx2.TransportError, url: str) -> str:
    """Why no response came, as Go's client says it behind `Post "URL": `."""
    if isinstance(err, httpx2.ConnectError):
        return _explain_connect(err, url)
    if isinstance(err, httpx2.RemoteProtocolError):
        return _explain_protocol(str(err))
    if isinstance(err, httpx2.ReadError):
        return "read: connection reset by peer"
    if isinstance(err, httpx2.WriteError):
        return "write: broken pipe"
    return str(err) or type(err).__name__


def explain_body(err: httpx2.TransportError) -> str:
    """Why the body of a response ended early."""
    if isinstance(err, httpx2.RemoteProtocolError) and str(err).startswith(_TRUNCATED):
        return "unexpected EOF"
    if isinstance(err, httpx2.RemoteProtocolError) and str(err).startswith("illegal chunk header"):
        return "invalid byte in chunk length"
    if isinstance(err, httpx2.ReadError):
        return "read: connection reset by peer"
    return str(err) or type(err).__name__


def gunzip(body: bytes, limit: int) -> bytes:
    """The content of a gzip body, all its members; at most a little over `limit` bytes.

    Raises ValueError with what Go's reader says of a body that is damaged.
    """
    content = bytearray()
    while body and len(content) <= limit:
        member = zlib.decompressobj(31)
        try:
            content += member.decompress(body, limit + 1)
        except zlib.error as err:
            raise ValueError(_explain_gzip(body, str(err))) from err
        if not member.eof and len(content) <= limit:
            raise ValueError("unexpected EOF")
        body = member.unused_data
    return bytes(content)


def _explain_gzip(body: bytes, message: str) -> str:
    if "incorrect header" in message:
        return "gzip: invalid header" if len(body) >= _GZIP_HEADER else "unexpected EOF"
    return "gzip: invalid checksum" if "check" in message else "flate: corrupt input"


def _explain_connect(err: httpx2.ConnectError, url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    cause: BaseException | None = err
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {host}: no such host"
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
            continue
        if isinstance(cause, OSError) and cause.errno in errno.errorcode:
            tried = _TRIED.search(str(cause))
            address = tried[1] if tried else host
            address = f"[{address}]" if ":" in address else address
            port = parts.port or (443 if parts.scheme == "https" else 80)
            reason = os.strerror(cause.errno or 0).lower()
            return f"dial tcp {address}:{port}: connect: {reason}"
        cause = cause.__cause__ or cause.__context__
    return f"dial tcp: {err}"


def _explain_protocol(message: str) -> str:
    if message.startswith(_CLOSED) or message.startswith(_TRUNCATED):
        return "EOF"
    illegal = _ILLEGAL_LINE.match(message)
    if illegal is None:
        return _BROKEN + message
    line = ast.literal_eval(illegal[2]).decode("latin-1")
    if illegal[1] == "header line":
        return f"{_BROKEN}malformed MIME header: missing colon: {quote(line)}"
    return _BROKEN + _explain_status_line(line)


def _explain_status_line(line: str) -> str:
    version, space, rest = line.partition(" ")
    if not space:
        return f"malformed HTTP response {quote(line)}"
    code = rest.lstrip(" ").partition(" ")[0]
    if not re.fullmatch("[0-9]{3}", code):
        return f"malformed HTTP status code {quote(code)}"
    return f"malformed HTTP version {quote(version)}"
