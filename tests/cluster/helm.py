"""Helm on the test cluster: one release, installed, changed and taken off as a user does it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.image_prefix import prefix
from tests.cluster.kube import Kubectl

CHART = Path(__file__).parents[2] / "helm" / "parley"


class HelmError(Exception):
    """Helm ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Release:
    """One release of the chart. program: Helm 3 or Helm 4."""

    program: Path
    kubectl: Kubectl
    name: str = "parley"
    namespace: str = "parley"

    def install(self, profile: str, values: Mapping[str, Any] | None = None) -> str:
        return self._apply(["install", "--create-namespace"], profile, values)

    def upgrade(self, profile: str, values: Mapping[str, Any] | None = None) -> str:
        return self._apply(["upgrade"], profile, values)

    def rollback(self, revision: int) -> str:
        return self._run("rollback", self.name, str(revision))

    def test(self) -> str:
        """What `helm test` prints. Raises HelmError, with what it printed, when a test fails."""
        return self._run("test", self.name, "--timeout=10m", timeout=660)

    def uninstall(self) -> str:
        return self._run("uninstall", self.name, "--wait", "--timeout=5m", timeout=330)

    def _apply(self, verb: list[str], profile: str, values: Mapping[str, Any] | None) -> str:
        files = [f"--values={CHART / 'profiles' / profile}.yaml", "--values=-"]
        chosen = {"image": {"registry": prefix()}, **(values or {})}
        return self._run(*verb, self.name, str(CHART), *files, stdin=json.dumps(chosen))

    def _run(self, *arguments: str, stdin: str = "", timeout: float = 180) -> str:
        done = subprocess.run(
            [str(self.program), *arguments, f"--namespace={self.namespace}"],
            input=stdin,
            env={**os.environ, "KUBECONFIG": str(self.kubectl.kubeconfig)},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode:
            raise HelmError(f"helm {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        # What a test's pod said goes to stderr.
        return done.stdout + done.stderr
