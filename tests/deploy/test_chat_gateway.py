"""The gateway by kustomize and by the chart: what it may, who reaches it, and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from graph.cluster.snapshot import GRAPH, SERVICE
from graph.gateway.__main__ import main
from graph.gateway.app import CHAT, MODELS, READY
from graph.gateway.serve import GatewaySettings
from graph.gateway.watched_app import LIVE
from graph.turn.timeouts import CLOCK_SKEW, DEFAULT
from tests.deploy.chart import CHART, Chart, Refused, by_name, environ, find, policy
from tests.deploy.rendered import Objects, only

NAME = "chat-gateway"
KEYS: dict[str, Any] = {"chatGateway": {"apiKeys": {"existingSecret": "keys", "key": "all"}}}
EDGE_KEYS: dict[str, Any] = {"auth": {"apiKeys": {"existingSecret": "edge"}}, "maxBodyBytes": 9}
CACHE: dict[str, Any] = {
    "url": "redis://redis.data:6380/1",
    "passwordSecret": {"name": "redis", "key": "word"},
    "peer": {"namespaceSelector": {"matchLabels": {"name": "data"}}},
}
Compose = Callable[..., Objects]


def pod(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = only(objects, "Deployment")["spec"]["template"]["spec"]
    return found


def container(objects: Objects) -> dict[str, Any]:
    (found,) = pod(objects)["containers"]
    return dict(found)


def targets(objects: Objects, kind: str) -> set[str]:
    return {target["name"] for target in only(objects, kind)["spec"]["targetRefs"]}


def egress_ports(objects: Objects, name: str = NAME) -> list[list[int]]:
    rules = find(objects, "NetworkPolicy", name)["spec"]["egress"]
    return [[port["port"] for port in rule["ports"]] for rule in rules]


def test_its_account_may_read_what_it_watches_and_nothing_else(compose: Compose) -> None:
    objects = compose("gateway")
    (rule,) = only(objects, "Role")["rules"]
    watched = {f"{kind.name.lower()}s" for kind in (GRAPH, SERVICE)}
    assert set(rule["resources"]) == watched
    assert (rule["apiGroups"], rule["verbs"]) == (["serving.kserve.io"], ["list", "watch"])
    binding = only(objects, "RoleBinding")
    account = only(objects, "ServiceAccount")["metadata"]
    assert binding["roleRef"]["name"] == only(objects, "Role")["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]
    assert pod(objects)["serviceAccountName"] == account["name"]
    assert pod(objects)["automountServiceAccountToken"] is True


def test_a_pod_ends_no_answer_that_is_in_time(compose: Compose) -> None:
    objects = compose("gateway")
    pause = container(objects)["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = GatewaySettings().drain_seconds
    assert drain > DEFAULT.turn + 2 * CLOCK_SKEW
    assert pod(objects)["terminationGracePeriodSeconds"] > pause + drain
    strategy = only(objects, "Deployment")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_it_waits_as_long_as_the_router_and_its_route_does(chart: Chart, compose: Compose) -> None:
    languages = {"languages": {"es": {}}, "translator": {"model": "/models/many"}}
    for objects, name, longer in (
        (compose("gateway"), NAME, 240),
        (chart.render(values=languages), f"parley-{NAME}", 360),
    ):
        seconds = only(objects, "InferenceGraph")["spec"]["routerTimeouts"]["serverWrite"]
        assert seconds == longer
        assert f"--answer_seconds={seconds}" in container(objects)["args"]
        (rule,) = find(objects, "HTTPRoute", name)["spec"]["rules"]
        assert rule["timeouts"] == {"request": f"{seconds}s", "backendRequest": f"{seconds}s"}


def test_its_options_are_options_of_the_program(
    chart: Chart, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"], {})
    known = capsys.readouterr().out
    values = {"chatGateway": KEYS["chatGateway"] | {"options": {"max_inflight": 9}}}
    args = container(chart.render(values=values))["args"]
    assert len(args) == 4
    for arg in args:
        assert f"  {arg.partition('=')[0]} " in known


def test_the_probes_ask_the_paths_that_it_answers_and_the_route_lets_in_no_other(
    compose: Compose,
) -> None:
    objects = compose("gateway")
    probes = {name: container(objects)[f"{name}Probe"] for name in ("startup", "readiness")}
    probes["liveness"] = container(objects)["livenessProbe"]
    asked = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert asked == {"startup": LIVE, "readiness": READY, "liveness": LIVE}
    (rule,) = find(objects, "HTTPRoute", NAME)["spec"]["rules"]
    let_in = {match["path"]["value"]: match["path"]["type"] for match in rule["matches"]}
    assert let_in == {"/": "Exact", "/static": "PathPrefix", "/v1": "PathPrefix"}
    assert CHAT.startswith("/v1/") and MODELS.startswith("/v1/")
    (ingress,) = find(objects, "Ingress", NAME)["spec"]["rules"]
    assert {path["path"] for path in ingress["http"]["paths"]} == set(let_in)


def test_only_the_proxies_reach_it_and_only_it_and_the_router_reach_the_predictors(
    compose: Compose,
) -> None:
    objects = compose("gateway")
    mine = find(objects, "NetworkPolicy", NAME)["spec"]
    router = find(objects, "NetworkPolicy", "router")["spec"]
    assert mine["ingress"] == router["ingress"]
    assert mine["egress"][0] == router["egress"][0]
    assert egress_ports(objects) == [[8080], [443, 6443]]
    labels = only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    letting = find(objects, "NetworkPolicy", f"predictors-from-{NAME}")["spec"]
    assert (
        letting["podSelector"]
        == find(objects, "NetworkPolicy", "predictors")["spec"]["podSelector"]
    )
    for selector in (
        mine["podSelector"],
        letting["ingress"][0]["from"][0]["podSelector"],
        {"matchLabels": find(objects, "Service", NAME)["spec"]["selector"]},
        find(objects, "PodDisruptionBudget", NAME)["spec"]["selector"],
    ):
        assert selector["matchLabels"].items() <= labels.items()
    # The router's and the predictors' policies leave its pods alone.
    assert "component" not in labels


def test_the_doors_of_the_edge_hold_for_it_too(compose: Compose) -> None:
    objects = compose("edge/body-limit", "edge/api-key", "edge/tls", "gateway")
    for kind in ("BackendTrafficPolicy", "SecurityPolicy"):
        assert targets(objects, kind) == {"multilingual-chat", NAME}
    parents = [
        find(objects, "HTTPRoute", name)["spec"]["parentRefs"]
        for name in ("multilingual-chat", NAME)
    ]
    assert parents[0] == parents[1] and parents[0][0]["sectionName"] == "https"
    assert "kserve" not in str(find(objects, "NetworkPolicy", NAME)["spec"]["ingress"])
    (listener,) = only(objects, "Gateway")["spec"]["listeners"]
    for name in ("multilingual-chat", NAME):
        (host,) = find(objects, "HTTPRoute", name)["spec"]["hostnames"]
        assert host.partition(".")[2] == listener["hostname"].removeprefix("*.")


def test_with_the_other_components_there_are_two_or_up_to_four(compose: Compose) -> None:
    two = only(compose("gateway", "two-replicas", "pull-secret"), "Deployment")["spec"]
    assert two["replicas"] == 2
    assert two["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    scaled = compose("gateway", "gateway/autoscaling")
    assert "replicas" not in only(scaled, "Deployment")["spec"]
    autoscaler = only(scaled, "HorizontalPodAutoscaler")["spec"]
    assert autoscaler["scaleTargetRef"]["name"] == NAME
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (1, 4)
    both = compose("gateway", "two-replicas", "gateway/autoscaling")
    assert "replicas" not in only(both, "Deployment")["spec"]
    assert only(both, "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2


def test_keys_and_cache_are_the_same_by_component_and_by_chart(
    chart: Chart, compose: Compose
) -> None:
    ours = compose("gateway", "gateway/api-keys", "gateway/cache")
    values = {
        "chatGateway": {
            "apiKeys": {"existingSecret": f"{NAME}-api-keys"},
            "cache": {"url": "redis://redis:6379", "passwordSecret": {"name": f"{NAME}-cache"}},
        }
    }
    theirs = chart.render("embedded", values=values)
    mine, charts = container(ours), container(theirs)
    assert mine["env"] == charts["env"]
    assert mine["args"][1:] == charts["args"][1:]
    assert mine["volumeMounts"] == charts["volumeMounts"]
    (volume,) = (v for v in pod(theirs)["volumes"] if v["name"] == "api-keys")
    assert volume["secret"].pop("items") == [{"key": "keys", "path": "keys"}]
    assert volume in pod(ours)["volumes"]
    assert egress_ports(theirs, f"parley-{NAME}")[2:] == egress_ports(ours, f"{NAME}-cache")


def test_a_cache_is_called_with_its_password_and_nothing_else_is(chart: Chart) -> None:
    objects = chart.render(values={"chatGateway": {"cache": CACHE}})
    names = [item["name"] for item in container(objects)["env"]]
    # A variable is filled in only by those before it.
    assert names == ["CACHE_PASSWORD", "PARLEY_CACHE"]
    found = environ(container(objects))
    assert found["PARLEY_CACHE"] == "redis://:$(CACHE_PASSWORD)@redis.data:6380/1"
    assert found["CACHE_PASSWORD"] == {"secretKeyRef": {"name": "redis", "key": "word"}}
    *_, cache = policy(objects, NAME)["egress"]
    assert cache["to"] == [CACHE["peer"]]
    assert [port["port"] for port in cache["ports"]] == [6380]


def test_a_page_of_ones_own_is_let_in_to_it_alone(chart: Chart) -> None:
    """The example asks where the gateway's Service is."""
    peer = {"namespaceSelector": {"matchLabels": {"name": "open-webui"}}}
    objects = chart.render(values={"chatGateway": {"clients": {"open-webui": peer}}})
    assert [peer] in [rule["from"] for rule in policy(objects, NAME)["ingress"]]
    assert "open-webui" not in str(policy(objects, "router"))
    page = yaml.safe_load((CHART / "examples" / "for-open-webui.yaml").read_text())
    service = find(objects, "Service", f"parley-{NAME}")["metadata"]
    host = f"{service['name']}.{service['namespace']}.svc.cluster.local"
    assert page["openaiBaseApiUrl"] == f"http://{host}/v1"
    # Its page names tools in every request otherwise, which the gateway refuses.
    variables = {each["name"]: each["value"] for each in page["extraEnvVars"]}
    capabilities = json.loads(variables["DEFAULT_MODEL_METADATA"])["capabilities"]
    assert capabilities == {"builtin_tools": False}


def test_the_gateways_own_keys_take_the_place_of_the_edges(chart: Chart) -> None:
    """Else a browser, which sends no key for a page, could not open it."""
    closed = chart.render(values=EDGE_KEYS)
    assert targets(closed, "SecurityPolicy") == {"parley-multilingual-chat", f"parley-{NAME}"}
    own = chart.render(values=EDGE_KEYS | KEYS)
    assert targets(own, "SecurityPolicy") == {"parley-multilingual-chat"}
    assert targets(own, "BackendTrafficPolicy") == {"parley-multilingual-chat", f"parley-{NAME}"}
    assert "--api_keys=/etc/parley/api-keys/keys" in container(own)["args"]
    (volume,) = (v for v in pod(own)["volumes"] if v["name"] == "api-keys")
    assert volume["secret"] == {"secretName": "keys", "items": [{"key": "all", "path": "keys"}]}


@pytest.mark.parametrize(
    "values", [{"chatGateway": {"enabled": False}}, {"multilingualChat": {"enabled": False}}]
)
def test_without_it_nothing_of_it_is_installed(values: dict[str, Any], chart: Chart) -> None:
    objects = chart.render(values=values | {"basicChat": {"enabled": True}})
    assert not [name for _, name in by_name(objects) if NAME in name]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {
                "chatGateway": {"host": "multilingual-chat.parley.example.com"},
                "ingress": {"enabled": True},
            },
            "chatGateway.host and multilingualChat.host are the same",
        ),
        (
            {"chatGateway": {"replicas": 3, "scaling": {"maxReplicas": 2}}},
            "chatGateway.scaling.maxReplicas 2 is below chatGateway.replicas 3",
        ),
        (
            {"chatGateway": {"cache": {"passwordSecret": {"name": "a"}}}},
            "chatGateway.cache.passwordSecret: name the server too",
        ),
    ],
)
def test_values_that_cannot_stand_together_are_refused(
    values: dict[str, Any], sentence: str, chart: Chart
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        chart.render(values=values)
