"""Room for a cluster on the disk of the cache.

A kubelet whose disk is nearly full takes away the images of pods that are not there yet. Nothing
brings them back, and one test after the other would wait for its pods in vain.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from tests.cluster import system_images
from tests.tools import binaries

# Bytes. An image with torch is written twice as it is loaded, which takes 8 GB of them; the kubelet
# takes images away below a hundredth of the disk.
NEEDED = 12 * 10**9
TIDY_BELOW = 2 * NEEDED


class NoRoom(Exception):
    """The disk is too full for a cluster; the message says which one, and how much is missing."""


def make_room(environ: Mapping[str, str]) -> None:
    """Where the disk is short, images go whose place newer ones took. Raises NoRoom."""
    cache = binaries.cache_folder(environ)
    cache.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(cache).free < TIDY_BELOW:
        system_images.prune(environ)
    free = shutil.disk_usage(cache).free
    if free < NEEDED:
        raise NoRoom(
            f"{cache}: {free / 10**9:.1f} GB are free of the {NEEDED / 10**9:.0f} GB that nodes "
            "and their images need; free some, or set PARLEY_CACHE to a folder on a larger disk"
        )
