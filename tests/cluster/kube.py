"""kubectl, as the tests use it: one object that knows its cluster, and waits with a limit."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster.image_prefix import located_text

T = TypeVar("T")
Object = dict[str, Any]


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Kubectl:
    """program: path of kubectl.  kubeconfig: which cluster; KUBECONFIG may name several files."""

    program: Path
    kubeconfig: Path

    def __call__(
        self, *arguments: str, stdin: str | None = None, timeout: float = 120, both: bool = False
    ) -> str:
        """Run kubectl; its output, with `both` also what it warned. Raises KubectlError."""
        environ = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        try:
            done = subprocess.run(
                [str(self.program), *arguments],
                input=stdin,
                env=environ,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as err:
            raise KubectlError(f"kubectl {' '.join(arguments)}: no end in {timeout} s") from err
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        return done.stderr + done.stdout if both else done.stdout

    def apply(self, text: str, *arguments: str) -> None:
        """Server-side apply of YAML; large CRDs do not fit the annotation of the other kind."""
        options = ("--server-side", "--force-conflicts", *arguments)
        self("apply", *options, "-f", "-", stdin=located_text(text))

    def get(self, kind: str, name: str, namespace: str = "parley") -> Object:
        found: Object = json.loads(self("get", kind, name, "-n", namespace, "-o", "json"))
        return found

    def list(self, kind: str, namespace: str = "parley", selector: str = "") -> list[Object]:
        """Objects of a kind, in one namespace or, with "", in all."""
        where = ["-n", namespace] if namespace else ["-A"]
        chosen = ["-l", selector] if selector else []
        items: list[Object] = json.loads(self("get", kind, *where, *chosen, "-o", "json"))["items"]
        return items

    def exists(self, kind: str, name: str, namespace: str = "parley") -> bool:
        return bool(self("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "name"))

    def wait(self, what: str, condition: str, namespace: str, timeout: float = 120) -> None:
        """`kubectl wait`. what: for example `deployment/coredns` or `pods -l app=x`."""
        self(
            *("wait", *what.split(), f"--for={condition}", "-n", namespace),
            f"--timeout={timeout:.0f}s",
            timeout=timeout + 10,
        )


def until(probe: Callable[[], T | None], what: str, seconds: float, pause: float = 0.25) -> T:
    """The first answer of `probe` that is not None or False. Raises TimeoutError, saying what."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        time.sleep(pause)
    raise TimeoutError(f"{what}: not so after {seconds:.0f} s")


def condition(item: Object, kind: str) -> str:
    """Status of a condition, "" where it is not set."""
    conditions: Sequence[Object] = item.get("status", {}).get("conditions", ())
    return next((str(c["status"]) for c in conditions if c["type"] == kind), "")
