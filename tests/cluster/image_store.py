"""A node's images: containerd's folder, which lies in the cache and outlives the node.

A layer is sent to containerd once. What changes between two runs is mostly code, a small layer on
top of gigabytes of packages. Old layers go when no image has them any more; containerd sees to it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from predictors.images.builder import Builder, run
from tests.cluster import node_files
from tests.cluster.sandbox import Sandbox
from tests.tools import binaries

# An image with torch is of several gigabytes.
LOAD_SECONDS = 600
# containerd removes in the background what no image refers to. A layer that it is about to remove
# counts as present when an import begins and is gone when the next layer needs it. The import after
# that finds the removal done.
IMPORTS = 3


class StoreError(Exception):
    """containerd does not take an image; the message ends with what it said."""


@dataclass(frozen=True)
class Store:
    """root: containerd's, with contents of images and what is unpacked.  state: the node's."""

    root: Path
    state: Path

    @property
    def ctr(self) -> list[str]:
        socket = str(node_files.socket(self.state))
        return [str(self.state / "bin" / "ctr"), "--address", socket, "-n", "k8s.io"]


def store(box: Sandbox, environ: Mapping[str, str]) -> Store:
    """That of the node in this sandbox."""
    name = f"containerd-{box.group.replace('/', '-')}"
    return Store(binaries.cache_folder(environ) / name, box.state)


def load(names: Mapping[str, str], store: Store, build: Builder) -> None:
    """Put images of the builder's where the kubelet finds them, by the names that manifests use.

    names: full name on the node, by the builder's. Images that are there are left alone. Raises
    StoreError, ImageError.
    """
    record = store.root / "loaded.json"
    sent = json.loads(record.read_text()) if record.exists() else {}
    # The kubelet takes images away where the disk is nearly full.
    there = set(run([*store.ctr, "images", "ls", "--quiet"], 60).split())
    loaded = {name: built for name, built in sent.items() if name in there}
    replaced = []
    for name, full_name in names.items():
        built = run([*build.command, "images", "--quiet", "--no-trunc", name], 60).strip()
        if loaded.get(full_name) == built:
            continue
        _send(name, full_name, store, build)
        replaced += [loaded[full_name]] if full_name in loaded else []
        loaded[full_name] = built
        written = record.with_suffix(".new")
        written.write_text(json.dumps(loaded))
        written.replace(record)
    # The kubelet's own names of the images that were there would keep their layers. They go last,
    # because an import may build on these layers.
    for image_id in set(replaced) - set(loaded.values()):
        run([*store.ctr, "images", "rm", image_id], 60)


def _send(name: str, full_name: str, store: Store, build: Builder) -> None:
    """Import an image, again and whole where containerd lacks a layer that it seemed to have."""
    for left in reversed(range(IMPORTS)):
        try:
            return _send_once(name, full_name, store, build, whole=left < IMPORTS - 1)
        except StoreError as err:
            if not left:
                raise
            print(f"{err}; it is sent again", file=sys.stderr, flush=True)


def _send_once(name: str, full_name: str, store: Store, build: Builder, whole: bool) -> None:
    """Import an image as an OCI layout that leaves out the layers that containerd has.

    whole: leave out none of them.
    """
    held = store.root / "io.containerd.content.v1.content" / "blobs" / "sha256"
    base, _, tag = full_name.rpartition(":")
    layout = store.root / "sending"
    # An interrupted run left it.
    shutil.rmtree(layout, ignore_errors=True)
    try:
        where = f"oci:{layout}:{tag}"
        run([*build.command, "push", "--quiet", "--format=oci", name, where], LOAD_SECONDS)
        for blob in (layout / "blobs" / "sha256").iterdir():
            if not whole and (held / blob.name).exists():
                blob.unlink()
        _import(layout, base, store)
    finally:
        shutil.rmtree(layout, ignore_errors=True)


def _import(layout: Path, base: str, store: Store) -> None:
    with subprocess.Popen(["tar", "-C", str(layout), "-c", "."], stdout=subprocess.PIPE) as tar:
        done = subprocess.run(
            [*store.ctr, "images", "import", f"--base-name={base}", "-"],
            stdin=tar.stdout,
            capture_output=True,
            timeout=LOAD_SECONDS,
        )
        assert tar.stdout is not None
        # A reader that gave up must not leave the writer waiting.
        tar.stdout.close()
    if done.returncode:
        raise StoreError(f"containerd does not take {base}: {done.stderr.decode().strip()[-2000:]}")
