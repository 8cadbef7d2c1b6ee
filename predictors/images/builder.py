"""Builds and pushes images with docker, podman or buildah, the first of them that works here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from predictors.images.catalogue import ROOT, Image

DOCKERFILE = ROOT / "predictors" / "Dockerfile"
# The first build of an image downloads some hundred megabytes of wheels; with torch, gigabytes.
BUILD_SECONDS = 1800
PUSH_SECONDS = 1800
BUILDERS = ("docker", "podman", "buildah")


class ImageError(Exception):
    """An image could not be built or pushed; the message ends with the builder's last lines."""


@dataclass(frozen=True)
class Builder:
    """command: the program and its own options.  options: for every build, as `--pull-never`."""

    command: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        return Path(self.command[0]).name

    def build(self, image: Image, environ: Mapping[str, str]) -> float:
        """Build and tag an image; seconds it took. Raises ImageError."""
        verb = ["build"]
        if self.program != "docker":
            ignored = DOCKERFILE.with_name("Dockerfile.dockerignore")
            verb += ["--layers", "--format=oci", f"--ignorefile={ignored}"]
        started = time.monotonic()
        run(
            [
                *self.command,
                *verb,
                *self.options,
                *_secrets(environ),
                *image.arguments,
                "--file=predictors/Dockerfile",
                f"--tag={image.name}",
                ".",
            ],
            BUILD_SECONDS,
            {**environ, "DOCKER_BUILDKIT": "1"},
        )
        return time.monotonic() - started

    def push(self, name: str, target: str, options: Sequence[str] = ()) -> str:
        """Push an image to a registry under another name; the digest that it has there.

        options: of the push itself, as `--cert-dir`. Raises ImageError.
        """
        if self.program == "docker":
            run([*self.command, "tag", name, target], 60)
            said = run([*self.command, "push", *options, target], PUSH_SECONDS)
        else:
            with tempfile.NamedTemporaryFile("r") as told:
                chosen = [*options, f"--digestfile={told.name}"]
                run([*self.command, "push", *chosen, name, f"docker://{target}"], PUSH_SECONDS)
                said = Path(told.name).read_text()
        digest = re.search(r"sha256:[0-9a-f]{64}", said)
        if digest is None:
            raise ImageError(f"{target}: pushed, but {self.program} told no digest")
        return digest[0]

    def size(self, name: str) -> int:
        """Bytes of an image on disk, its base included."""
        inspect = [*self.command, "inspect", "--format={{.Size}}", name]
        if self.program == "buildah":
            inspect = [*self.command, "images", "--format={{.Size}}", name]
        return _bytes(run(inspect, 60).split("\n")[0])


def find_builder() -> Builder:
    """The first of docker, podman and buildah that works here. Raises ImageError."""
    there = [name for name in BUILDERS if shutil.which(name)]
    for name in there:
        # docker's client may be there without its daemon.
        if subprocess.run([name, "info"], capture_output=True, timeout=60).returncode == 0:
            return Builder((name,))
    if there:
        raise ImageError(f"{', '.join(there)}: no answer to `{there[0]} info`; is its daemon up?")
    raise ImageError(f"none of {', '.join(BUILDERS)} is on the PATH; install one of them")


def run(command: Sequence[str], seconds: float, environ: Mapping[str, str] = os.environ) -> str:
    """Run a program in the project's root; its output. Raises ImageError."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as err:
        raise ImageError(f"{' '.join(command[:3])}: no end after {seconds:.0f} s") from err
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise ImageError(f"{' '.join(command)} failed:\n{tail}")
    return done.stdout


def _secrets(environ: Mapping[str, str]) -> list[str]:
    """This machine's pip settings and certificate authorities: no layer of the image keeps them."""
    files = {
        "pip": Path(environ.get("PIP_CONFIG_FILE") or "/etc/pip.conf"),
        "ca": Path(environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"),
    }
    return [f"--secret=id={key},src={path}" for key, path in files.items() if path.is_file()]


def _bytes(shown: str) -> int:
    units = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
    number, _, unit = shown.strip().partition(" ")
    return round(float(number) * units[unit.upper()]) if unit else int(number)
