"""Builds the project's images: `make images`, or `python -m predictors.images` in a checkout.

It runs docker, podman or buildah, the first of them that works here. It pushes nothing anywhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from predictors.bill_of_materials import BillError, write_bill

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "predictors" / "Dockerfile"
VERSION = "0.1.0"
# The first build of an image downloads some hundred megabytes of wheels; with torch, gigabytes.
BUILD_SECONDS = 1800
BUILDERS = ("docker", "podman", "buildah")


class ImageError(Exception):
    """An image could not be built; the message ends with the builder's last lines."""


@dataclass(frozen=True)
class Image:
    """predictor: a folder under predictors/.  embedded: the small models that it holds, if any.

    variant: `-cuda` for the image for GPUs, with torch.  packages: the predictor whose packages it
    holds, where they are not its own.
    """

    predictor: str
    embedded: str = ""
    variant: str = ""
    packages: str = ""

    @property
    def name(self) -> str:
        suffix = "-embedded" if self.embedded else self.variant
        return f"parley-{self.predictor}:{VERSION}{suffix}"

    @property
    def arguments(self) -> list[str]:
        given = {
            "PREDICTOR": self.predictor,
            "PACKAGES": self.packages or self.predictor,
            "EMBEDDED": self.embedded,
            "VARIANT": self.variant,
            "VERSION": VERSION,
        }
        return [f"--build-arg={key}={value}" for key, value in given.items() if value]

    @property
    def lock_files(self) -> list[Path]:
        """What the Dockerfile installs into it."""
        packages = f"{self.packages or self.predictor}{self.variant}"
        weights = [f"embedded-{model}" for model in self.embedded.split()]
        return [ROOT / "requirements" / f"{name}.txt" for name in (packages, *weights)]

    @property
    def bill(self) -> Path:
        """The file that lists what it holds."""
        return ROOT / "build" / "sbom" / f"{self.name.replace(':', '-')}.cdx.json"


GEMMA = "gemma3-270m"
SMOLLM = "smollm2-135m-instruct"
PLAIN = (Image("detector"), Image("translator"), Image("chat"))
EMBEDDED = (
    Image("detector"),
    Image("translator", embedded=GEMMA),
    Image("chat", embedded=SMOLLM),
)
# Chat and translators in one process; the translator's packages are the chat's and a few more.
COLOCATED = Image("colocated", packages="translator")
COLOCATED_EMBEDDED = Image("colocated", embedded=f"{GEMMA} {SMOLLM}", packages="translator")
# What fills a cluster's volume with models; it holds torch.
MODELS = Image("models")
ALL = (*PLAIN, *EMBEDDED[1:], COLOCATED, COLOCATED_EMBEDDED, MODELS)
CUDA = (
    Image("translator", variant="-cuda"),
    Image("colocated", variant="-cuda", packages="translator"),
    Image("chat", variant="-cuda"),
)


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


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Build the images; prints a line for each, with its time and size."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="predictors.images", description=description)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--embedded", action="store_true", help="only what manifests/overlays/embedded needs"
    )
    kinds.add_argument(
        "--cuda", action="store_true", help="also the images for GPUs, several GB each"
    )
    options = parser.parse_args(argv)
    chosen = EMBEDDED if options.embedded else (*ALL, *(CUDA if options.cuda else ()))
    try:
        if not DOCKERFILE.is_file():
            raise ImageError(f"{DOCKERFILE}: missing; build the images in a checkout of Parley")
        builder = find_builder()
        for image in chosen:
            seconds = builder.build(image, environ)
            size = builder.size(image.name) / 10**6
            write_bill(image.bill, image.lock_files)
            bill = image.bill.relative_to(ROOT)
            print(f"{image.name}: {size:.0f} MB, built in {seconds:.0f} s; {bill}", flush=True)
    except (BillError, ImageError) as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
