"""Imports run one way, through the layers of this table, and importing a package does nothing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A module may import what stands before its own layer, and its own layer; nothing after it.
# Lazy imports, imports for type checking and imports by a string count as well.
LAYERS = (
    # The part of graph/ that predictors stand on.
    "graph.errors",
    "graph.imports",
    "graph.images",
    "graph.turn",
    "graph.text",
    "graph.contract",
    "graph.asgi",
    "graph.http",
    "graph.completions",
    "graph.telemetry",
    # What a graph is, and what becomes of a request in it.
    "graph.golang",
    "graph.spec",
    "graph.router",
    "graph.lint",
    "graph.testing",
    "graph.picture",
    # What every predictor stands on.
    "predictors.progress",
    "predictors.scheduling",
    "predictors.settings",
    "predictors.predictor",
    "predictors.engine",
    "predictors.sharing",
    "predictors.door",
    "predictors.serving",
    "predictors.pairs",
    "predictors.checkpoints",
    "predictors.models",
    "predictors.engines",
    "predictors.conversion",
    # Images and tools, each of its own.
    "predictors.detector",
    "predictors.translator",
    "predictors.chat",
    "predictors.colocated",
    "predictors.images",
    # How people reach a graph.
    "graph.calling",
    "graph.cluster",
    "graph.gateway",
    "graph.local",
    "graph.client",
    "graph.composing",
    "graph.compose",
    "graph.cli",
)
PUBLIC = LAYERS[: LAYERS.index("graph.golang")]
# The part of graph/ that reaches predictors.
RUNNER = "graph.local"
# Each of these is an image or a tool of its own.
APART = (
    "predictors.detector",
    "predictors.translator",
    "predictors.chat",
    "predictors.colocated",
    "predictors.conversion",
    "predictors.images",
)


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {dotted(p): p for d in ("graph", "predictors") for p in sorted((ROOT / d).rglob("*.py"))}
MODULES = [name for name, path in FILES.items() if path.name != "__init__.py"]


def imports(name: str) -> Iterator[str]:
    """Every module that a module imports: at the top, inside a function, or by a string."""
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            inner = [f"{module}.{alias.name}" for alias in node.names]
            yield from ([i for i in inner if i in FILES] or [module])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            written = ast.unparse(node.args[0])
            if written[:1] in "'\"" or written[:2] in ("f'", 'f"'):
                yield written.strip("f'\"")


def own_imports(name: str) -> list[str]:
    return [m for m in imports(name) if m.split(".")[0] in ("graph", "predictors")]


def layer(name: str) -> int:
    found = [i for i, each in enumerate(LAYERS) if name == each or name.startswith(each + ".")]
    assert found, f"{name} stands in no layer; give it one"
    return found[0]


@pytest.mark.parametrize("name", [name for name in FILES if name not in MODULES])
def test_a_package_imports_nothing(name: str) -> None:
    assert list(imports(name)) == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_its_own_layer_and_those_before(name: str) -> None:
    later = [module for module in own_imports(name) if layer(module) > layer(name)]
    assert later == []


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("predictors.")])
def test_a_predictor_stands_on_the_public_part_of_graph_and_on_no_other_predictor(
    name: str,
) -> None:
    for module in own_imports(name):
        assert module.startswith(("predictors", *PUBLIC)), module
        apart = [each for each in APART if module == each or module.startswith(each + ".")]
        assert not apart or name.startswith(apart[0]), module


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("graph.")])
def test_only_the_local_runner_reaches_predictors(name: str) -> None:
    reached = [module for module in own_imports(name) if module.startswith("predictors")]
    assert not reached or name.startswith(RUNNER + "."), reached


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = TopologicalSorter({name: set(own_imports(name)) - {name} for name in MODULES})
    assert list(order.static_order())


@pytest.mark.parametrize(
    "name",
    ["graph.errors", "graph.turn.limits", "graph.turn.checks", "graph.contract", "graph.asgi"],
)
def test_the_public_part_needs_the_standard_library_only(name: str) -> None:
    for imported in imports(name):
        top = imported.split(".")[0]
        assert top == "graph" or top in sys.stdlib_module_names, imported


def test_kserve_is_imported_by_the_server_of_predictors_and_where_its_objects_are_made() -> None:
    """A server and an SDK in one package: the second is for who asks for its classes, and only
    then imported."""
    assert {n for n in MODULES if "kserve" in {m.split(".")[0] for m in imports(n)}} == {
        "predictors.serving",
        "graph.composing.sdk",
    }


def test_torch_is_imported_where_checkpoints_are_loaded_and_converted_and_by_one_engine() -> None:
    torch = {"torch", "transformers"}
    using = {name for name in MODULES if torch & {m.split(".")[0] for m in imports(name)}}
    allowed = (
        "predictors.checkpoints.inspection",
        "predictors.checkpoints.loading",
        "predictors.conversion.",
        "predictors.engines.transformers",
    )
    assert using and all(name.startswith(allowed) for name in using), using
