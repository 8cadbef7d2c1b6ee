"""Network namespaces for programs that listen where they like: nothing outside reaches them."""

from __future__ import annotations

import fcntl
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence

_PREFIXES = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def find_namespace(*options: str) -> list[str] | None:
    """What a command is preceded by to run in a namespace of its own; None where none is made.

    options: of unshare, for more than the network.
    """
    for prefix in ([*each, *options] for each in _PREFIXES):
        if shutil.which(prefix[0]) and _runs([*prefix, "true"]):
            return prefix
    return None


def raise_loopback() -> None:
    """Bring the loopback interface up, which is down in a new namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def _runs(command: Sequence[str]) -> bool:
    return subprocess.call(command, stderr=subprocess.DEVNULL) == 0
