"""Programs of the test cluster, built from their Go modules into a cache outside the checkout.

`python -m tests.tools.binaries [NAME ...]` builds what is missing, one program at a time, and
prints how long each took. A finished build is named after its version and never built again. It
does not download anything but Go modules, and refuses to go on after a failed build.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.tools.programs import Program, UnknownVersion, optional_programs, programs

TOOLS = Path(__file__).parent
# The slowest one, kube-apiserver, takes about three minutes on two cores.
BUILD_SECONDS = 1800


class BuildError(Exception):
    """A program could not be built; the message ends with the compiler's last lines."""


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`$PARLEY_CACHE`, by default `~/.cache/parley`."""
    return Path(environ.get("PARLEY_CACHE") or Path.home() / ".cache" / "parley")


def cached(name: str, environ: Mapping[str, str]) -> Path | None:
    """A program that is built already."""
    path = cache_folder(environ) / "bin" / _known(environ)[name].file_name
    return path if path.exists() else None


def build(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, Path]:
    """The programs' paths, by name; builds what the cache lacks. Raises BuildError."""
    known = _known(environ)
    folder = cache_folder(environ) / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    # What the compiler keeps is of no use once the programs are there, and takes 9 GB.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".compiled-") as compiled:
        settings = {**environ, "GOCACHE": compiled}
        return {name: _build_one(known[name], folder, settings) for name in names}


def module_folder(module: str, version: str, environ: Mapping[str, str]) -> Path:
    """Where the source of a Go module lies; charts and CRDs are in it. Raises BuildError."""
    answer = _go(["go", "mod", "download", "-json", f"{module}@{version}"], TOOLS, environ)
    return Path(json.loads(answer)["Dir"])


def _known(environ: Mapping[str, str]) -> dict[str, Program]:
    return programs(environ) | optional_programs(environ)


def _build_one(program: Program, folder: Path, environ: Mapping[str, str]) -> Path:
    target = folder / program.file_name
    # What is there needs no lock, which somebody may hold for the minutes of another build.
    if target.exists():
        return target
    with (folder / ".lock").open("w") as lock:
        # Two runs at once do the work once; the kernel frees the lock of one that was killed.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _build_into(target, program, folder, environ)
    return target


def _build_into(target: Path, program: Program, folder: Path, environ: Mapping[str, str]) -> None:
    started = time.monotonic()
    # In the same folder, so that the rename is atomic and two runs never see half a program.
    partial = folder / f".{program.file_name}.{os.getpid()}"
    partial.mkdir()
    try:
        built = _compile(program, partial, environ)
        built.rename(target)
    finally:
        for rest in partial.iterdir():
            rest.unlink()
        partial.rmdir()
    print(f"built {program.file_name} in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _compile(program: Program, folder: Path, environ: Mapping[str, str]) -> Path:
    flags = ["-trimpath", "-ldflags", program.ldflags, "-tags", program.tags]
    if program.module:
        target = folder / program.name
        command = ["go", "build", *flags, "-o", str(target), program.package]
        _go(command, TOOLS / program.module, environ, program.cgo)
        return target
    # With GOBIN set and no module around, the version may stand in the package's name.
    command = ["go", "install", *flags, f"{program.package}@{program.version}"]
    _go(command, folder, {**environ, "GOBIN": str(folder)}, program.cgo)
    return next(folder.iterdir())


def _go(command: Sequence[str], folder: Path, environ: Mapping[str, str], cgo: bool = False) -> str:
    settings = {**environ, "CGO_ENABLED": str(int(cgo)), "GOFLAGS": "-buildvcs=false"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=settings, capture_output=True, text=True, timeout=BUILD_SECONDS
        )
    except FileNotFoundError as err:
        raise BuildError("no `go` on the PATH; install Go 1.26.7 or later") from err
    except subprocess.TimeoutExpired as err:
        raise BuildError(f"{' '.join(command[:2])}: not done in {BUILD_SECONDS} s") from err
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise BuildError(f"{' '.join(command)} failed:\n{tail}")
    return done.stdout


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Build the named programs, or all that a cluster starts with; print their paths."""
    try:
        known = _known(environ)
        unknown = [name for name in argv if name not in known]
        if unknown:
            print(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}", file=sys.stderr)
            return 2
        paths = build(argv or programs(environ), environ)
    except (BuildError, UnknownVersion) as err:
        print(err, file=sys.stderr)
        return 1
    for name, path in paths.items():
        print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
