"""Imports go one way, and importing a package does nothing."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(p for d in ("graph", "predictors") for p in (ROOT / d).rglob("*.py"))
# What a predictor takes from the graph.
SHARED = {"graph", "graph.asgi", "graph.contract", "graph.errors", "graph.server"}
PREDICTORS = {"chat", "detector", "translator"}


def imports(path):
    """Every module that a file imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_package_imports_nothing(path):
    if path.name == "__init__.py":
        assert list(imports(path)) == []


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.is_relative_to(ROOT / "predictors")], ids=name
)
def test_a_predictor_imports_what_is_shared_and_no_other_predictor(path):
    own = path.relative_to(ROOT / "predictors").parts[0]
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "graph":
            assert module in SHARED, module
        if parts[0] == "predictors" and len(parts) > 1 and parts[1] in PREDICTORS:
            assert parts[1] == own, module


@pytest.mark.parametrize("path", [p for p in MODULES if p.is_relative_to(ROOT / "graph")], ids=name)
def test_only_the_local_runner_reaches_predictors(path):
    allowed = {"cli/main.py", "cli/models.py"}
    reached = [module for module in imports(path) if module.split(".")[0] == "predictors"]
    where = path.relative_to(ROOT / "graph")
    assert not reached or where.parts[0] == "local" or str(where) in allowed, reached


@pytest.mark.parametrize("module", ["asgi.py", "contract.py", "errors.py"])
def test_the_contract_needs_the_standard_library_only(module):
    for imported in imports(ROOT / "graph" / module):
        top = imported.split(".")[0]
        assert top == "graph" or top in sys.stdlib_module_names, imported


def test_kserve_is_imported_in_one_file():
    with_kserve = {
        name(path) for path in MODULES if any(m.split(".")[0] == "kserve" for m in imports(path))
    }
    assert with_kserve == {"predictors/serving.py"}
