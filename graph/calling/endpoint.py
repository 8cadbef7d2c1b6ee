"""Where a graph is and what is sent to it with every request: the same for every way of calling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from graph.asgi import JSON
from graph.errors import SpecError

if TYPE_CHECKING:
    import ssl

# RFC 9110: a token; and text without control characters, which Latin-1 can write.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")


@dataclass(frozen=True)
class Endpoint:
    """A server's URL, and who asks it. Raises SpecError for what cannot be sent.

    host: the name in the header `Host`, and of the certificate, where `url` has the address of a
    gateway that serves several names.  api_key: sent as `Authorization: Bearer KEY`.
    verify: True checks the server's certificate against the authorities that this machine trusts,
    a path against those of that PEM file, False not at all; or an SSLContext of your own.
    cert: PEM file with a client's certificate and its key, or one file for each.
    """

    url: str
    host: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    api_key: str = field(default="", repr=False)
    verify: bool | str | ssl.SSLContext = True
    cert: str | tuple[str, str] = ""

    def __post_init__(self) -> None:
        _check_url(self.url)
        for name, value in self.sent_headers.items():
            _check_header(name, value, secret=name == "authorization")

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers of every request, their names in small letters."""
        sent = {"content-type": JSON}
        if self.api_key:
            sent["authorization"] = f"Bearer {self.api_key}"
        if self.host:
            sent["host"] = self.host
        return sent | {name.lower(): value for name, value in self.headers.items()}

    @property
    def server_name(self) -> str:
        """The name that a certificate must have, where it is not that of the URL."""
        return urlsplit(f"//{self.sent_headers.get('host', '')}").hostname or ""

    def address(self, predictor: str | None) -> str:
        """The URL of a predictor, None: of the graph."""
        base = self.url.rstrip("/")
        return f"{base}/v1/models/{quote(predictor, safe='')}:predict" if predictor else base


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        port_is_one = False
    if not port_is_one or parts.scheme not in ("http", "https") or not parts.hostname:
        raise SpecError(f"{url}: not a URL; it starts with http:// or https://")


def _check_header(name: str, value: str, secret: bool) -> None:
    if not _NAME.fullmatch(name):
        raise SpecError(f"header {name!r}: not the name of a header")
    if not _VALUE.fullmatch(value):
        shown = "" if secret else f" {value!r}"
        raise SpecError(f"header {name}:{shown} holds a character that no header may have")
