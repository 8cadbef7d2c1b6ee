"""Whom a client trusts, and by which certificate it is known, as an SSLContext."""

from __future__ import annotations

import ssl

import httpx2

from graph.errors import SpecError


def make_context(
    verify: bool | str | ssl.SSLContext, cert: str | tuple[str, str]
) -> ssl.SSLContext:
    """The context of `Endpoint.verify` and `cert`. Raises SpecError for a file that is none."""
    if isinstance(verify, str):
        context = _trusting(verify)
    elif isinstance(verify, bool):
        context = httpx2.create_ssl_context(verify)
    else:
        context = verify
    if cert:
        _present(context, *((cert,) if isinstance(cert, str) else cert))
    return context


def _trusting(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as err:
        raise SpecError(f"{file}: holds no certificates as PEM: {_reason(err)}") from err


def _present(context: ssl.SSLContext, certificate: str, key: str | None = None) -> None:
    try:
        # Without a password, OpenSSL asks the terminal for that of an encrypted key.
        context.load_cert_chain(certificate, key, password="")
    except OSError as err:
        files = f"{certificate} and {key}" if key else certificate
        raise SpecError(f"{files}: not a certificate and its key as PEM: {_reason(err)}") from err


def _reason(err: OSError) -> str:
    """OpenSSL puts the place in its source after its words."""
    return (err.strerror or str(err)).partition(" (_ssl")[0]
