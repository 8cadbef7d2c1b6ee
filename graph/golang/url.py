"""The URLs that Go's HTTP client can call, and the form in which its errors name one.

KServe's webhook does not check a `serviceUrl`, so a bad one fails only when a request comes. The
reason is given in our own words.
"""

from __future__ import annotations

import re
from urllib.parse import quote as percent_encode
from urllib.parse import urlsplit

from graph.golang.quoting import quote

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+\-.]*:")
_PASSWORD = re.compile(r"(?<=//)(?P<user>[^/@:]*):[^/@]*@")
_ESCAPE = "%[0-9a-fA-F]{2}"
_USER = rf"(?:{_ESCAPE}|[a-zA-Z0-9\-._:~!$&'()*+,;=@])*@"
_NAME = r"(?:%[89a-fA-F][0-9a-fA-F]|[^\x00-\x20#%/?@\\^`{|}\[:])*"
_HOST = rf"(?:\[[0-9a-fA-F:.]*\](?::[0-9]*)?|{_NAME}(?:(?::{_NAME})*:[0-9]*)?)"
# A scheme with anything but a slash behind it, or a host and a path, each of which may be missing.
# Without a scheme and a slash, the first part of a path has no colon.
_URL = re.compile(
    rf"(?:{_SCHEME.pattern}(?!/)[^#]*"
    rf"|(?:{_SCHEME.pattern}(?=/)|(?=/)|(?![^/?#]*:))"
    rf"(?://(?:{_USER})?+{_HOST}(?=[/?#]|$)|(?!//))(?:{_ESCAPE}|[^%?#])*(?:\?[^#]*)?)"
    rf"(?:#(?:{_ESCAPE}|[^%])*)?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def find_url_error(url: str) -> str | None:
    """The whole error of a POST to `url`, or None where the call can be tried."""
    if not is_url(url):
        return f"parse {quote(url)}: this is not a valid URL"
    if not re.match("https?:", url, re.IGNORECASE):
        return f"{call_failed(url)}: a service's URL begins with http:// or https://"
    if not re.match("[^:]*://(?:[^/?#]*@)?+[^/?#]", url):
        return f"{call_failed(url)}: the URL names no host"
    return None


def is_url(text: str) -> bool:
    """Whether Go reads `text` as a URL, which may be a relative one."""
    return not _CONTROL.search(text) and bool(_URL.fullmatch(text))


def call_failed(url: str) -> str:
    """The beginning of every error of a call: `Post "URL"`, as Go writes the URL again.

    The scheme is in small letters, a password is hidden, and the path is escaped where it must be.
    """
    bare, mark, query = _PASSWORD.sub(r"\g<user>:***@", url).partition("?")
    scheme = _SCHEME.match(bare)
    if scheme:
        bare = scheme[0].lower() + bare[scheme.end() :]
    escaped = percent_encode(bare, safe="/$&+,:;=@!'()*~[]%#")
    return f"Post {quote((escaped.removesuffix('//') or escaped) + mark + query)}"


def address_of(url: str) -> str:
    """The host and port that a call connects to, as Go's dialer names them."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme.lower() == 'https' else 80)}"
