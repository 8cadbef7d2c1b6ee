"""httpx2's errors in the words of Go's HTTP client, which KServe's router puts into its answers.

The common ones are exact. A name that does not resolve and the rarer faults of a server's HTTP
have the same beginning and words of their own, as `graph/README.md` says.
"""

from __future__ import annotations

import ast
import errno
import os
import re
from urllib.parse import urlsplit

import httpx2

from graph.golang_url import quote

_BROKEN = "net/http: HTTP/1.x transport connection broken: "
_CLOSED = "Server disconnected without sending a response"
_TRUNCATED = ("peer closed connection", "peer unexpectedly closed")
_ILLEGAL_LINE = re.compile(r"illegal (status line|header line): bytearray\((b.*)\)", re.DOTALL)


def explain(err: httpx2.TransportError | httpx2.InvalidURL, url: str) -> str:
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
    if isinstance(err, httpx2.ReadError):
        return "read: connection reset by peer"
    return str(err) or type(err).__name__


def _explain_connect(err: httpx2.ConnectError, url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    cause: BaseException | None = err
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno and cause.errno in errno.errorcode:
            reason = os.strerror(cause.errno).lower()
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            return f"dial tcp {host}:{port}: connect: {reason}"
        if isinstance(cause, OSError):
            return f"dial tcp: lookup {parts.hostname}: no such host"
        cause = cause.__cause__ or cause.__context__
    return f"dial tcp {parts.hostname}:{port}: {err}"


def _explain_protocol(message: str) -> str:
    if message.startswith(_CLOSED) or message.startswith(_TRUNCATED):
        return "EOF"
    illegal = _ILLEGAL_LINE.match(message)
    if illegal is None:
        return _BROKEN + message
    line = ast.literal_eval(illegal[2]).decode("latin-1")
    if illegal[1] == "header line":
        return f"{_BROKEN}malformed MIME header line: {line}"
    return _BROKEN + _explain_status_line(line)


def _explain_status_line(line: str) -> str:
    version, space, rest = line.partition(" ")
    if not space:
        return f"malformed HTTP response {quote(line)}"
    code = rest.lstrip(" ").partition(" ")[0]
    if not re.fullmatch("[0-9]{3}", code):
        return f"malformed HTTP status code {quote(code)}"
    return f"malformed HTTP version {quote(version)}"
