"""`parley init` writes what the chart installs with the same languages."""

from __future__ import annotations

from typing import Any

import pytest

from graph.composing.multilingual import Plan, write_chat
from graph.composing.shipped import Variant, read_models
from tests.deploy.chart import Chart
from tests.deploy.rendered import Objects
from tests.deploy.test_chart_manifests import AS_MANIFESTS, ONLY_IN_MANIFESTS, named, normal

EVERY = sorted(read_models().pairs())
NLLB = "hf:facebook/nllb-200-distilled-600M@main"
SHARED = "nvidia.com/gpu.shared"
# What is asked of `parley init`, the profile that stands for it, and values besides.
PAIRS: dict[str, tuple[Plan, str, dict[str, Any]]] = {
    "embedded": (
        Plan(["fr", "es"], Variant.EMBEDDED),
        "embedded",
        {"languages": {"es": {}}},
    ),
    "cpu": (Plan(["it"], Variant.CPU), "cpu", {"languages": {"fr": None, "it": {}}}),
    "two-models": (
        Plan(["fr", "pl"], Variant.CPU),
        "cpu",
        {"languages": {"pl": {}}},
    ),
    "gpu": (
        Plan(["es", "fr", "de"], Variant.GPU, accelerator=SHARED),
        "gpu-shared",
        {"languages": {"es": {}, "de": {}}},
    ),
    "translator": (
        Plan(["cy"], Variant.CPU, model=NLLB),
        "cpu",
        {"languages": {"fr": None, "cy": {}}, "translator": {"model": NLLB}},
    ),
    "every-language": (
        Plan(EVERY, Variant.CPU),
        "cpu",
        {"languages": {code: {} for code in EVERY}},
    ),
    "elsewhere": (
        Plan(["fr"], Variant.EMBEDDED, namespace="talk", host="talk.example.com"),
        "embedded",
        {"multilingualChat": {"host": "talk.example.com"}},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_it_writes_what_the_chart_installs(name: str, chart: Chart) -> None:
    plan, profile, values = PAIRS[name]
    written = [item for item in write_chat(plan) if item["kind"] not in ONLY_IN_MANIFESTS]
    assert comparable(written) == comparable(rendered(chart, plan, profile, values))


@pytest.mark.parametrize("name", PAIRS)
def test_it_writes_the_budgets_of_a_chart_with_two_replicas(name: str, chart: Chart) -> None:
    plan, profile, values = PAIRS[name]
    twice = {"predictors": {"replicas": 2}, "router": {"replicas": 2}}
    budgets = [
        [item for item in objects if item["kind"] == "PodDisruptionBudget"]
        for objects in (write_chat(plan), rendered(chart, plan, profile, values | twice))
    ]
    assert budgets[0]
    assert comparable(budgets[0]) == comparable(budgets[1])


def rendered(chart: Chart, plan: Plan, profile: str, values: dict[str, Any]) -> Objects:
    return chart.render(
        profile,
        values=AS_MANIFESTS | values,
        release="multilingual-chat",
        namespace=plan.namespace,
    )


def comparable(objects: Objects) -> dict[tuple[str, str], Any]:
    return {key: normal(item) for key, item in named(objects).items()}
