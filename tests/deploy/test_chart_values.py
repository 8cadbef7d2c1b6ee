"""values.yaml is the manual: it, the schema, the templates and the README name the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from lingua import Language

from predictors.models.catalogue import EMBEDDED
from tests.deploy.chart import CHART, Chart
from tests.deploy.chart_batch import alias, render_batch
from tests.deploy.chart_changes import ON_A_CLUSTER, changed, context, leaves
from tests.deploy.chart_mistakes import with_mistake
from tests.deploy.chart_readme import README, make_readme, read_values

TEXT = (CHART / "values.yaml").read_text()
VALUES: dict[str, Any] = yaml.safe_load(TEXT)
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
MODELS: dict[str, Any] = yaml.safe_load((CHART / "files" / "models.yaml").read_text())
EXAMPLES = Path(__file__).parents[2] / "predictors" / "translator" / "examples"
TEMPLATES = {path.name: path.read_text() for path in CHART.rglob("templates/**/*.*")}


def named(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its reference followed."""
    reference = schema.get("$ref")
    found: Mapping[str, Any] = (
        SCHEMA["$defs"][reference.rpartition("/")[2]] if reference else schema
    )
    return found


def schema_paths(schema: Mapping[str, Any], values: Any, path: str = "") -> Iterator[str]:
    """The keys that the schema names and the values have a place for."""
    for key, inner in named(schema).get("properties", {}).items():
        if isinstance(values, Mapping) and values and inner is not False:
            yield f"{path}{key}"
            yield from schema_paths(inner, values.get(key), f"{path}{key}.")


def value_paths(values: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    properties = named(schema).get("properties", {})
    for key, inner in values.items() if isinstance(values, Mapping) else ():
        if properties:
            yield f"{path}{key}"
            yield from value_paths(inner, properties.get(key, {}), f"{path}{key}.")


def test_every_value_has_a_comment_above_it() -> None:
    assert [value.path for value in read_values(TEXT) if not value.comment] == []


def test_the_readme_is_made_of_the_values() -> None:
    assert README.read_text() == make_readme(), "run `python -m tests.deploy.chart_readme`"


def test_the_schema_names_every_value_and_no_other() -> None:
    # What a kind of predictor overrides of `predictors` need not stand in its own block.
    blocks = ("detector.", "translator.", "sharedTranslator.", "chat.", "colocate.")
    overridden = {f"{block}{key}" for block in blocks for key in flat("predictors.")}
    known = set(schema_paths(SCHEMA, VALUES)) - {"global"}
    assert set(value_paths(VALUES, SCHEMA)) <= known
    missing = known - set(value_paths(VALUES, SCHEMA)) - overridden
    assert missing == OPTIONAL


def flat(prefix: str) -> set[str]:
    paths = set(schema_paths(SCHEMA, VALUES)) | set(value_paths(VALUES, SCHEMA))
    return {path.removeprefix(prefix) for path in paths if path.startswith(prefix)}


# Fields of a probe that a default need not have.
OPTIONAL = {
    f"predictors.probes.{probe}.{key}"
    for probe in ("startup", "readiness", "liveness")
    for key in ("httpGet", "tcpSocket", "exec", "initialDelaySeconds", "successThreshold")
}


def closed(schema: Any, where: str = "") -> Iterator[str]:
    """Objects with named keys that would take others too."""
    if isinstance(schema, Mapping):
        if "properties" in schema and schema.get("type") in ("object", ["object", "null"]):
            if schema.get("additionalProperties") is not False and "required" not in schema:
                yield where
        for key, inner in schema.items():
            yield from closed(inner, f"{where}/{key}")
    if isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from closed(inner, f"{where}/{index}")


def test_a_key_that_is_not_named_is_refused_everywhere() -> None:
    assert list(closed(SCHEMA)) == []


@pytest.mark.slow
def test_every_value_changes_what_is_rendered(chart: Chart, tmp_path: Path) -> None:
    paths = [path for path in leaves(VALUES) if ".".join(path) not in ON_A_CLUSTER]
    examples: list[dict[str, Any]] = []
    for path in paths:
        before = VALUES
        for key in path:
            before = before[key]
        examples += [context(path), with_mistake(context(path), path, changed(path, before))]
    rendered, said = render_batch(chart, tmp_path / "batch", examples)
    assert said == ""
    idle = [
        ".".join(path)
        for number, path in enumerate(paths)
        if rendered[alias(2 * number)] == rendered[alias(2 * number + 1)]
    ]
    assert idle == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_value_of_a_template_stands_in_the_values(name: str) -> None:
    for path in re.findall(r"\.Values\.([\w.]+)", TEMPLATES[name]):
        found: Any = VALUES
        for key in path.split("."):
            assert isinstance(found, Mapping) and key in found, f"{name}: .Values.{path}"
            found = found[key]


def test_the_codes_of_languages_are_those_that_the_detector_knows() -> None:
    (pattern,) = SCHEMA["properties"]["languages"]["patternProperties"]
    known = {language.iso_code_639_1.name.lower() for language in Language.all()}
    assert set(pattern.strip("^$()").split("|")) == known - {"en"}


def test_the_models_of_the_table_are_pinned_and_the_embedded_ones_are_known() -> None:
    named = [*MODELS["toEnglish"].values(), *MODELS["fromEnglish"].values(), *MODELS["many"]]
    for model in named:
        assert re.fullmatch(r"hf:[\w.-]+/[\w.-]+@[0-9a-f]{40}", model)
    (codes,) = SCHEMA["properties"]["languages"]["patternProperties"]
    for languages in MODELS["many"].values():
        assert languages == sorted(languages)
        assert all(re.fullmatch(codes, code) for code in languages)
    for model, languages in MODELS["byExample"].items():
        assert model.removeprefix("embedded:") in EMBEDDED
        assert languages == sorted(path.stem for path in EXAMPLES.glob("*.tsv"))
