"""Any valid values render to objects that a cluster takes; any mistake is refused by its key."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.lint.report import describe, lint_objects
from graph.spec.load import load_objects
from tests.deploy import chart_schemas
from tests.deploy.chart import KUBERNETES, PROFILES, Chart, is_hook
from tests.deploy.chart_batch import alias, refusals, render_batch
from tests.deploy.chart_mistakes import MISTAKEN, with_mistake
from tests.deploy.chart_strategies import COLOCATED, VALID, Values
from tests.deploy.render import MANIFESTS
from tests.deploy.rendered import Objects

pytestmark = pytest.mark.slow

EXAMPLES = 200
# The oldest Kubernetes that Chart.yaml takes, and the one that the cluster tests run.
MINORS = ("1.30.14", KUBERNETES)
# Dynamic resource allocation came with 1.34.
RENDERED = [(p, m) for p in PROFILES for m in MINORS if (p, m) != ("gpu-claims", MINORS[0])]


@pytest.fixture(scope="session")
def conform_to(
    kubeconform: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[str]]:
    """The command that checks YAML on stdin against a Kubernetes, KServe and the Gateway API."""

    @functools.cache
    def command(kubernetes: str) -> list[str]:
        schemas = chart_schemas.write(tmp_path_factory.mktemp("schemas"), kubernetes, os.environ)
        return [str(kubeconform), "-strict", "-summary", f"-schema-location={schemas}", "-"]

    return command


@pytest.mark.parametrize(("profile", "kubernetes"), RENDERED)
def test_a_profile_conforms_and_lints_clean(
    profile: str, kubernetes: str, chart: Chart, conform_to: Callable[[str], list[str]]
) -> None:
    text = chart.text(profile, kubernetes=kubernetes)
    assert problems(conform_to(kubernetes), text) == ""
    assert lint_text(text) == "nothing found"


@pytest.mark.parametrize(
    "file",
    [
        "ci/all.yaml",
        "ci/colocated.yaml",
        "ci/edge.yaml",
        "ci/shared-translator.yaml",
        "ci/ten-languages.yaml",
        "examples/large-model.yaml",
        "examples/shared-translator.yaml",
    ],
)
def test_a_values_file_of_the_chart_conforms_and_lints_clean(
    file: str, chart: Chart, conform_to: Callable[[str], list[str]]
) -> None:
    text = chart.text(chart.path / file)
    assert problems(conform_to(KUBERNETES), text) == ""
    assert lint_text(text) == "nothing found"


def test_any_valid_values_render_conform_and_lint_clean(
    chart: Chart, conform_to: Callable[[str], list[str]], tmp_path: Path
) -> None:
    examples = draw(st.one_of(VALID, VALID, VALID, COLOCATED))
    rendered, said = render_batch(chart, tmp_path / "batch", examples)
    assert said == "", said
    for number, values in enumerate(examples):
        objects = [item for item in rendered[alias(number)] if not is_hook(item)]
        assert lint_objects_of(objects) == "nothing found", json.dumps(values)
        unique = {(item["kind"], item["metadata"]["name"]) for item in objects}
        assert len(unique) == len(objects), json.dumps(values)
    # Helm's own text: a name such as `no` would be a boolean there if it were not quoted.
    wrong = problems(conform_to(KUBERNETES), (tmp_path / "batch.yaml").read_text())
    assert wrong == "", wrong


def test_any_mistake_is_refused_with_the_name_of_the_key(chart: Chart, tmp_path: Path) -> None:
    examples = draw(MISTAKEN)
    mistaken = [with_mistake(values, *mistake) for values, mistake in examples]
    _, said = render_batch(chart, tmp_path / "batch", mistaken)
    refused = refusals(said)
    for number, (_, (path, wrong)) in enumerate(examples):
        reason = refused.get(alias(number), "")
        assert path[-1] in reason, f"{'.'.join(path)}={wrong!r}: {reason or 'not refused'}"


def draw(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """Examples for one process; hypothesis derives them from the test's name, the same each run."""
    drawn: list[Values] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(values: Values) -> None:
        drawn.append(values)

    collect()
    return drawn[:EXAMPLES]


def problems(conform: list[str], text: str) -> str:
    done = subprocess.run(conform, input=text, capture_output=True, text=True, timeout=300)
    return "" if done.returncode == 0 and "Skipped: 0" in done.stdout else done.stdout + done.stderr


def lint_text(text: str) -> str:
    return describe(lint_objects([load_objects(text, "chart")], {}))


def lint_objects_of(objects: Objects) -> str:
    relevant = [item for item in objects if item["apiVersion"].startswith("serving.kserve.io/")]
    return lint_text(yaml.dump_all(relevant, Dumper=yaml.CSafeDumper))


# The CRDs of the gateways whose objects manifests/components/edge/README.md writes out.
OTHER_GATEWAYS = (
    ("istio.io/api", "v1.27.1", "kubernetes"),
    ("github.com/cilium/cilium", "v1.20.2", "pkg/k8s/apis/cilium.io/client/crds"),
)


@pytest.fixture(scope="module")
def conform_to_others(kubeconform: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that checks YAML on stdin against the CRDs of those gateways too."""
    modules = (*chart_schemas.MODULES, *OTHER_GATEWAYS)
    folder = tmp_path_factory.mktemp("others")
    schemas = chart_schemas.write(folder, KUBERNETES, os.environ, modules)
    return [str(kubeconform), "-strict", "-summary", f"-schema-location={schemas}", "-"]


@pytest.mark.parametrize("heading", ["ingress-nginx", "Istio", "Cilium"])
def test_the_objects_for_another_gateway_conform_to_its_schemas(
    heading: str, conform_to_others: list[str]
) -> None:
    text = objects_under(heading)
    assert problems(conform_to_others, text) == ""
    # The schemas are strict: a key that the CRD does not have is found.
    mistaken = text.replace("\nspec:", "\nspec:\n  nothing: of the kind", 1)
    assert "nothing" in problems(conform_to_others, mistaken)


def objects_under(heading: str) -> str:
    readme = (MANIFESTS / "components" / "edge" / "README.md").read_text()
    section = readme.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    return section.partition("```yaml\n")[2].partition("```")[0]
