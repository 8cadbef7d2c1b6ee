"""`make render`: what an installed Parley has of the manifests, each overlay as one file.

The local runner, `kubectl apply -f`, `parley init` and `graph.compose` read them, where there is
neither kustomize nor Helm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

from tests.tools import binaries

MANIFESTS = Path(__file__).parents[2] / "manifests"
RENDERED = {
    "overlays/embedded": "embedded.yaml",
    "overlays/cpu": "cpu.yaml",
    "base": "gpu.yaml",
    "translator": "translator.yaml",
    "overlays/basic-chat-embedded": "basic-chat.yaml",
}
HEADER = "# {} rendered by `make render`; do not edit. A test compares the two.\n"
# Which models a language has by its code: the chart's table.
MODEL_TABLE = MANIFESTS.parent / "helm" / "parley" / "files" / "models.yaml"
COPY_OF_TABLE = MANIFESTS.parent / "graph" / "composing" / "models.yaml"
# What the chart ships for Prometheus and Grafana, and its copies for kustomize, which reads no file
# above its own folder.
CHART_FILES = MODEL_TABLE.parent
MONITORING = MANIFESTS / "components" / "monitoring"
RULE_HEADER = """# Alerts on what the pods of this namespace count.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: parley
  namespace: parley
  labels:
    app.kubernetes.io/part-of: parley
spec:
"""


def main() -> int:
    """Write the rendered files."""
    command = kustomize_command(os.environ) or built_command(os.environ)
    for folder, file in RENDERED.items():
        done = subprocess.run(
            [*command, str(MANIFESTS / folder)], capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        (MANIFESTS / file).write_text(HEADER.format(folder) + done.stdout)
    for copy, text in copies().items():
        copy.write_text(text)
    return 0


def copies() -> dict[Path, str]:
    """The files that are made of others, and what they hold."""
    return {
        COPY_OF_TABLE: MODEL_TABLE.read_text(),
        MONITORING / "dashboard.json": (CHART_FILES / "dashboard.json").read_text(),
        MONITORING / "prometheus-rule.yaml": prometheus_rule(),
    }


def prometheus_rule() -> str:
    """The object that holds the alerts, for the namespace of the manifests."""
    groups = (CHART_FILES / "rules.yaml").read_text().partition("groups:\n")[2]
    narrowed = ("groups:\n" + groups).replace('namespace=~".*"', 'namespace="parley"')
    return HEADER.format("helm/parley/files/rules.yaml") + RULE_HEADER + indent(narrowed, "  ")


def kustomize_command(environ: Mapping[str, str]) -> list[str] | None:
    """The cached kubectl first, so that the rendering is that of a pinned version."""
    kubectl = binaries.cached("kubectl", environ) or shutil.which("kubectl")
    if kubectl:
        return [str(kubectl), "kustomize"]
    found = shutil.which("kustomize")
    return [found, "build"] if found else None


def built_command(environ: Mapping[str, str]) -> list[str]:
    return [str(binaries.build(["kubectl"], environ)["kubectl"]), "kustomize"]


def folder_with(command: list[str], folder: Path) -> Path:
    """A folder for the PATH that holds nothing but the program of a command that renders."""
    folder.mkdir()
    name = "kubectl" if command[1] == "kustomize" else "kustomize"
    (folder / name).symlink_to(Path(command[0]).resolve())
    return folder


if __name__ == "__main__":
    sys.exit(main())
