"""`make audit`: every locked package looked up in the advisories, by pip-audit.

It fails where an advisory names a locked version. Where the advisory service cannot be reached it
says that nothing was looked up, and does not fail: a machine without a network can still test.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OSV = "https://api.osv.dev/v1/query"
# Advisories that do not touch this project, each with the reason.
ACCEPTED: dict[str, str] = {}
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
# One request for each package, one after the other.
SECONDS = 300


class ServiceUnreachableError(Exception):
    """The advisory service gave no answer; the message is pip-audit's last line."""


@dataclass(frozen=True)
class Finding:
    package: str
    version: str
    advisory: str
    fixed_in: Sequence[str]

    def __str__(self) -> str:
        fix = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix is out yet"
        return f"{self.package} {self.version}: {self.advisory}; {fix}"


def read_pins(files: Iterable[Path]) -> dict[str, set[str]]:
    """The versions of each package that any of the lock files names."""
    pins: dict[str, set[str]] = {}
    for file in files:
        for pin in _PIN.finditer(file.read_text()):
            # A local version, such as 2.10+cpu, is no release that an advisory could name.
            version = pin["version"].partition("+")[0]
            pins.setdefault(pin["name"].lower(), set()).add(version)
    return pins


def look_up(pins: dict[str, set[str]], service: str) -> list[Finding]:
    """What the advisories say of those versions. Raises ServiceUnreachableError."""
    found: list[Finding] = []
    for number in range(max(map(len, pins.values()), default=0)):
        # pip-audit takes one version of a package at a time.
        chosen = {name: sorted(versions) for name, versions in pins.items()}
        lines = [f"{name}=={v[number]}" for name, v in chosen.items() if number < len(v)]
        found += _look_up_once(lines, service)
    return found


def _look_up_once(lines: Sequence[str], service: str) -> list[Finding]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format=json"]
        options = [f"--requirement={file.name}", "--vulnerability-service=osv"]
        options += [f"--osv-url={service}", "--progress-spinner=off", "--timeout=10"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=SECONDS)
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError as err:
        said = done.stderr.strip().splitlines() or ["no output"]
        raise ServiceUnreachableError(said[-1]) from err
    skipped = [item["name"] for item in dependencies if "skip_reason" in item]
    if skipped:
        raise ServiceUnreachableError(f"it does not know {', '.join(skipped)}")
    return [
        Finding(item["name"], item["version"], advisory["id"], advisory["fix_versions"])
        for item in dependencies
        for advisory in item["vulns"]
        if advisory["id"] not in ACCEPTED
    ]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.tools.audit", description=__doc__)
    where = "the service that is asked, by OSV's protocol: %(default)s"
    parser.add_argument("--service", default=OSV, help=where)
    parser.add_argument("files", nargs="*", type=Path, help="lock files; all of them without one")
    options = parser.parse_args(argv)
    pins = read_pins(options.files or sorted((ROOT / "requirements").glob("*.txt")))
    count = sum(map(len, pins.values()))
    try:
        findings = look_up(pins, options.service)
    except ServiceUnreachableError as err:
        print(f"NOT AUDITED: {options.service} was not reached ({err}); {count} packages unchecked")
        return 0
    for finding in findings:
        print(finding)
    print(f"audited {count} locked packages: {len(findings)} advisories")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
