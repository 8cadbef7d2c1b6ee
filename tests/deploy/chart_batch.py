"""Many renders of the chart by one process: a chart whose dependencies are this one, renamed.

Helm starts in a tenth of a second, which is most of what a render takes; two hundred renders of a
property test are one process this way. Every alias is checked against the schema by itself.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.chart import CHART, KUBERNETES, Chart
from tests.deploy.rendered import Objects

_SOURCE = re.compile(r"^# Source: batch/charts/(\w+)/", re.MULTILINE)


def write_batch(folder: Path, examples: Sequence[dict[str, Any]]) -> Path:
    """A chart in `folder` that depends on the chart once for each example."""
    names = [alias(number) for number in range(len(examples))]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    dependencies = [{"name": "parley", "version": version, "alias": name} for name in names]
    about = {"apiVersion": "v2", "name": "batch", "version": "0.0.0", "dependencies": dependencies}
    folder.mkdir(parents=True)
    shutil.copytree(CHART, folder / "charts" / "parley")
    (folder / "Chart.yaml").write_text(json.dumps(about))
    (folder / "values.yaml").write_text(json.dumps(dict(zip(names, examples, strict=True))))
    return folder


def alias(number: int) -> str:
    return f"p{number:03}"


def render_batch(
    chart: Chart, folder: Path, examples: Sequence[dict[str, Any]]
) -> tuple[dict[str, Objects], str]:
    """The objects of each example by its alias, those of tests too; and what Helm said."""
    batch = write_batch(folder, examples)
    command = [str(chart.helm), "template", "parley", str(batch), "-n", "parley"]
    done = subprocess.run(
        [*command, f"--kube-version={KUBERNETES}"], capture_output=True, text=True, timeout=300
    )
    (folder.parent / f"{folder.name}.yaml").write_text(done.stdout)
    return _by_alias(done.stdout), done.stderr


def refusals(said: str) -> dict[str, str]:
    """What the schema says of each example, by its alias."""
    parts = re.split(r"^(p\d{3}):$", said, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _by_alias(text: str) -> dict[str, Objects]:
    found: dict[str, Objects] = {}
    for document in re.split(r"^---$", text, flags=re.MULTILINE):
        source = _SOURCE.search(document)
        if source:
            item = yaml.load(document, yaml.CSafeLoader)
            found.setdefault(source[1], []).append(item)
    return found
