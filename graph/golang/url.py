"""What Go says of a URL that it cannot call, word for word: `url.Parse` and the client's checks.

KServe's webhook does not look into `serviceUrl`, so such a URL fails only when a request comes.
"""

from __future__ import annotations

import re
from urllib.parse import quote as percent_encode

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+\-.]*):")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_BAD_HOST = re.compile(r"[\x00-\x20#%/?@\\^`{|}]")
_PASSWORD = re.compile(r"(?<=//)(?P<user>[^/@:]*):[^/@]*@")
_PORT = re.compile(r":[0-9]*")
_SHORT_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def find_url_error(url: str) -> str | None:
    """Go's whole error for a POST to `url`, or None where the call can be tried."""
    bare = url.partition("#")[0]
    problem = _parse_problem(url, bare)
    if problem is not None:
        shown = url if "control character" in problem else bare
        return f"parse {quote(shown)}: {problem}"
    scheme = _SCHEME.match(bare)
    if scheme is None or scheme[1].lower() not in ("http", "https"):
        name = scheme[1].lower() if scheme else ""
        return f"{call_failed(url)}: unsupported protocol scheme {quote(name)}"
    if not _authority(bare[scheme.end() :]).rpartition("@")[2]:
        return f"{call_failed(url)}: http: no Host in request URL"
    return None


def find_location_error(location: str) -> str | None:
    """Go's error for a redirect to `location`, or None where it can be followed."""
    problem = _parse_problem(location, location.partition("#")[0])
    if problem is None:
        return None
    return f"failed to parse Location header {quote(location)}: parse {quote(location)}: {problem}"


def call_failed(url: str) -> str:
    """The beginning of every error of a call: `Post "URL"`, as Go writes the URL again.

    The scheme in small letters, a password hidden, the path escaped where it must be.
    """
    bare, mark, query = _PASSWORD.sub(r"\g<user>:***@", url).partition("?")
    scheme = _SCHEME.match(bare)
    if scheme:
        bare = scheme[0].lower() + bare[scheme.end() :]
    escaped = percent_encode(bare, safe="/$&+,:;=@!'()*~[]%#")
    return f"Post {quote((escaped.removesuffix('//') or escaped) + mark + query)}"


def quote(text: str) -> str:
    """Go's `%q` of a text."""
    return '"' + "".join(map(_quote_char, text)) + '"'


def _quote_char(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if char == "\v":
        return "\\v"
    if ord(char) < 0x20 or ord(char) == 0x7F:
        return f"\\x{ord(char):02x}"
    return char if char.isprintable() else f"\\u{ord(char):04x}"


def _parse_problem(url: str, bare: str) -> str | None:
    if any(ord(char) < 0x20 or char == "\x7f" for char in url):
        return "net/url: invalid control character in URL"
    if bare.startswith(":"):
        return "missing protocol scheme"
    scheme = _SCHEME.match(bare)
    rest = (bare[scheme.end() :] if scheme else bare).partition("?")[0]
    if scheme and not rest.startswith("/"):
        return None
    if not rest.startswith("/") and ":" in rest.partition("/")[0]:
        return "first path segment in URL cannot contain colon"
    host = _authority(rest)
    return _host_problem(host) or _escape_problem(rest.removeprefix("//" + host))


def _authority(rest: str) -> str:
    return re.split("[/?]", rest[2:], maxsplit=1)[0] if rest.startswith("//") else ""


def _host_problem(authority: str) -> str | None:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        if "]" not in host:
            return "missing ']' in host"
        port = host.rpartition("]")[2]
    else:
        port = host[host.rindex(":") :] if ":" in host else ""
    if port and not _PORT.fullmatch(port):
        return f"invalid port {quote(port)} after host"
    bad = _BAD_HOST.search(host)
    if bad is None or bad[0] == "%":
        return _escape_problem(host)
    return f"invalid character {quote(bad[0])} in host name"


def _escape_problem(text: str) -> str | None:
    bad = _BAD_ESCAPE.search(text)
    return f"invalid URL escape {quote(bad[0])}" if bad else None
