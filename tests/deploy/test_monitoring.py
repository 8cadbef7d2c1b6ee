"""Dashboard and alerts, in a real Prometheus that has read a real run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from graph.local.app import app_of, with_gateway
from graph.telemetry.telemetry import Telemetry
from tests.conftest import served
from tests.deploy.chart import CHART, Chart, find
from tests.deploy.prometheus import Prometheus, promtool, scraping
from tests.deploy.rendered import Objects, only
from tests.graph.gateway.playing import Writes, local_graph
from tests.processes import started

MODELS = pytest.mark.models
RULES = CHART / "files" / "rules.yaml"
RULES_TEST = Path(__file__).with_name("rules_test.yaml")
DASHBOARD: dict[str, Any] = json.loads((CHART / "files" / "dashboard.json").read_text())
ALERTS = [rule["alert"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]]
SERVE = ["-m", "graph.cli.main", "serve", "--gateway", "--port=0"]
# What Grafana puts in the place of its variables.
VARIABLES = {"$namespace": ".*", "$__rate_interval": "1m"}
METRICS = {
    "metrics": {
        "rules": {"enabled": True},
        "dashboard": {"enabled": True},
        "podMonitor": {"enabled": True},
    }
}
# Where Prometheus runs.
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def queries() -> list[str]:
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    return found


@contextmanager
def embedded() -> Iterator[str]:
    """The embedded models behind a gateway, as `make serve` has them."""
    with started(*SERVE) as process:
        yield process.wait_for(r" is ready at (http\S+)")[1]


@contextmanager
def stand_ins() -> Iterator[str]:
    """The same, with an engine that says what it is told."""
    local = local_graph(Writes(lambda text: "One is here."))
    telemetry = Telemetry()
    app = with_gateway(app_of(local, telemetry=telemetry), local, telemetry)
    with served(app) as url:
        yield url


@pytest.fixture(scope="module", params=["stand_ins", pytest.param("embedded", marks=MODELS)])
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Some turns, and a Prometheus that reads along."""
    folder = tmp_path_factory.mktemp("prometheus")
    opened = {"stand_ins": stand_ins, "embedded": embedded}[request.param]
    with opened() as url, scraping(url, [RULES], folder) as prometheus:
        for words in ("Bonjour, comment allez-vous ?", "Hello, how are you today?"):
            for stream in (True, False):
                _say(url, words, stream)
        refused = httpx2.post(f"{url}/v1/chat/completions", content=b"{")
        assert refused.status_code == 400
        yield prometheus


def _say(url: str, words: str, stream: bool) -> None:
    body = {
        "model": "multilingual-chat",
        "messages": [{"role": "user", "content": words}],
        "max_tokens": 16,
        "stream": stream,
    }
    answer = httpx2.post(f"{url}/v1/chat/completions", json=body, timeout=120)
    assert answer.status_code == 200, answer.text


def test_every_query_of_the_dashboard_has_an_answer(run: Prometheus) -> None:
    asked = queries()
    assert len(asked) > 20
    assert [query for query in asked if not run.wait_for(query)] == []


def test_the_figures_are_those_of_the_run(run: Prometheus) -> None:
    refused = 'parley_gateway_refused_total{reason="bad-request"} == 1'
    assert run.wait_for(refused)
    turns = "sum by (language, status) (parley_gateway_turn_duration_seconds_count)"
    found = {each["metric"]["language"]: each for each in run.query(turns)}
    assert set(found) == {"en", "fr"}
    for each in found.values():
        assert (each["metric"]["status"], each["value"][1]) == ("2xx", "2")
    written = 'sum(parley_predictor_tokens_total{predictor="chat", kind="out"}) > 10'
    assert run.wait_for(written)


def test_every_alert_is_evaluated_and_none_fires_where_all_is_well(run: Prometheus) -> None:
    rules = {rule["name"]: rule for rule in run.rules()}
    assert list(rules) == ALERTS
    for name, rule in rules.items():
        assert (rule["health"], rule.get("lastError", "")) == ("ok", ""), name
        assert rule["state"] == "inactive", name


def test_the_metrics_follow_the_conventions_of_prometheus(run: Prometheus) -> None:
    [target] = httpx2.get(f"{run.url}/api/v1/targets").json()["data"]["activeTargets"]
    told = httpx2.get(target["scrapeUrl"]).text
    promtool("check", "metrics", stdin=told)


def test_every_alert_is_tested_on_a_day_on_which_it_is_needed() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(RULES_TEST))
    asked = [
        case
        for test in yaml.safe_load(RULES_TEST.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in asked if case["exp_alerts"]} == set(ALERTS)


def test_the_chart_narrows_every_selector_to_its_namespace(chart: Chart, tmp_path: Path) -> None:
    objects = chart.render(values=METRICS, namespace="mine")
    rule = find(objects, "PrometheusRule", "parley-alerts")
    narrowed = tmp_path / "rules.yaml"
    narrowed.write_text(yaml.safe_dump(rule["spec"]))
    assert 'namespace=~".*"' not in narrowed.read_text()
    for each in rule["spec"]["groups"][0]["rules"]:
        selectors = re.findall(r"\{[^{}]*\}", each["expr"])
        assert selectors and all('namespace="mine"' in selector for selector in selectors), each
    promtool("check", "rules", str(narrowed))


def test_the_chart_ships_the_dashboard_for_grafanas_sidecar(chart: Chart) -> None:
    found = find(chart.render(values=METRICS), "ConfigMap", "parley-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["parley.json"]) == DASHBOARD


def test_without_being_asked_for_there_is_nothing_to_watch(chart: Chart) -> None:
    kinds = {item["kind"] for item in chart.render()}
    assert not kinds & {"PodMonitor", "PrometheusRule", "ConfigMap"}


def test_the_component_has_the_same_for_kustomize(
    compose: Callable[..., Objects], tmp_path: Path
) -> None:
    objects = compose("monitoring")
    [dashboard] = [item for item in objects if item["kind"] == "ConfigMap"]
    assert json.loads(dashboard["data"]["parley.json"]) == DASHBOARD
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(only(objects, "PrometheusRule")["spec"]))
    promtool("check", "rules", str(rules))
    [endpoint] = find(objects, "PodMonitor", "predictors")["spec"]["podMetricsEndpoints"]
    ports = [
        port["name"]
        for item in objects
        if item["kind"] == "InferenceService"
        for port in item["spec"]["predictor"]["containers"][0]["ports"]
    ]
    assert set(ports) == {endpoint["port"]}


def test_the_component_watches_the_gateway_that_there_is(compose: Callable[..., Objects]) -> None:
    watches_the_gateway(compose("gateway", "monitoring"), "chat-gateway", "monitoring-chat-gateway")


def test_the_chart_watches_its_gateway(chart: Chart) -> None:
    peers = {"networkPolicies": {"monitoring": {"prometheus": MONITORING}}}
    objects = chart.render(values=METRICS | peers)
    watches_the_gateway(objects, "parley-chat-gateway", "parley-chat-gateway")
    without = chart.render(values=METRICS | {"chatGateway": {"enabled": False}})
    assert len([item for item in without if item["kind"] == "PodMonitor"]) == 1


def watches_the_gateway(objects: Objects, name: str, policy: str) -> None:
    """A PodMonitor selects the gateway's pods and a port of theirs, and a policy lets it in."""
    pod = find(objects, "Deployment", name)["spec"]["template"]
    [port] = pod["spec"]["containers"][0]["ports"]
    spec = find(objects, "PodMonitor", name)["spec"]
    [endpoint] = spec["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    for selector in (
        spec["selector"],
        find(objects, "NetworkPolicy", policy)["spec"]["podSelector"],
    ):
        assert selector["matchLabels"].items() <= pod["metadata"]["labels"].items()
    rules = find(objects, "NetworkPolicy", policy)["spec"]["ingress"]
    assert {"from": [MONITORING], "ports": [{"port": 8080, "protocol": "TCP"}]} in rules


def test_every_panel_says_what_it_shows_and_asks_the_chosen_source() -> None:
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert len(panels) > 20 and len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert all("$namespace" in target["expr"] for target in panel["targets"]), panel["title"]
