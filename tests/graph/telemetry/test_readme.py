"""The README's tables name every metric, every alert, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from graph.gateway.app import GatewayApp
from graph.telemetry.telemetry import Telemetry
from graph.telemetry.tracing import ATTRIBUTES
from predictors.door.telemetry import watch_all
from tests.graph.gateway.playing import Gate, Writes, local_graph

ROOT = Path(__file__).parents[3]
README = (ROOT / "graph" / "telemetry" / "README.md").read_text("utf-8")
RULES = ROOT / "helm" / "parley" / "files" / "rules.yaml"


def test_every_metric_is_listed() -> None:
    gate = Gate(local_graph(Writes(str)))
    telemetry = Telemetry()
    watch_all(list(gate.local.handlers.values()), telemetry)
    GatewayApp(gate.gateway, telemetry=telemetry)
    counted = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in telemetry.registry.collect()
        if metric.name.startswith("parley_")
    }
    assert counted == set(re.findall(r"^\| `(parley_\w+)` \|", README, re.MULTILINE))


def test_every_alert_is_listed() -> None:
    rules = yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]
    listed = re.findall(r"^\| `(Parley\w+)` \|", README, re.MULTILINE)
    assert listed == [rule["alert"] for rule in rules]


def test_every_attribute_of_a_span_is_listed() -> None:
    table = README.partition("| attribute | |")[2]
    listed = set(re.findall(r"`((?:gen_ai|parley|error)\.[\w.]+)`", table))
    assert listed == {*ATTRIBUTES.values(), "error.type"}
