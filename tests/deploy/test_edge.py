"""What the gateway does before the router: the chart's values and the manifests' components."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from graph.turn.limits import PUBLIC_LIMITS
from tests.deploy.chart import CHART, Chart, Refused, find, kinds, policy
from tests.deploy.rendered import Objects, only

POLICIES = {"BackendTrafficPolicy", "ClientTrafficPolicy", "SecurityPolicy", "Gateway"}
KEYS = {"auth": {"apiKeys": {"existingSecret": "keys"}}}
TOKENS = {"auth": {"jwt": {"jwksUri": "https://issuer.example.com/keys"}}}
CERTIFICATE = {"tls": {"existingSecret": "certificate"}}
Compose = Callable[..., Objects]


def spec(objects: Objects, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = only(objects, kind)["spec"]
    return found


def test_by_default_the_chart_makes_nothing_of_envoy_gateways(chart: Chart) -> None:
    assert not kinds(chart.render()) & POLICIES


def test_a_body_is_limited_by_its_value(chart: Chart) -> None:
    objects = chart.render(values={"maxBodyBytes": 8388608})
    assert kinds(objects) & POLICIES == {"BackendTrafficPolicy"}
    assert spec(objects, "BackendTrafficPolicy")["requestBuffer"] == {"limit": "8388608"}


def test_the_limit_that_the_manifests_set_and_the_chart_names_is_the_codes(
    compose: Compose, chart: Chart
) -> None:
    limit = spec(compose("edge/body-limit"), "BackendTrafficPolicy")["requestBuffer"]["limit"]
    assert limit == str(PUBLIC_LIMITS.body)
    assert f"# {PUBLIC_LIMITS.body} is the largest" in (CHART / "values.yaml").read_text()
    objects = [*compose(), *chart.render(values={"ingress": {"enabled": True}})]
    annotations = [o["metadata"]["annotations"] for o in objects if o["kind"] == "Ingress"]
    assert [a["nginx.ingress.kubernetes.io/proxy-body-size"] for a in annotations] == ["8m"] * 3
    assert PUBLIC_LIMITS.body == 8 << 20


def test_the_policies_hold_for_every_route_of_the_release(chart: Chart) -> None:
    values = {"maxBodyBytes": 9, "basicChat": {"enabled": True}, "translation": {"enabled": True}}
    objects = chart.render(values=values | KEYS)
    routes = {item["metadata"]["name"] for item in objects if item["kind"] == "HTTPRoute"}
    assert len(routes) == 4
    for kind in ("BackendTrafficPolicy", "SecurityPolicy"):
        assert {target["name"] for target in spec(objects, kind)["targetRefs"]} == routes


def test_api_keys_come_from_the_secret_and_end_at_the_gateway(chart: Chart) -> None:
    values = {"auth": {"apiKeys": {"existingSecret": "keys", "header": "x-mine"}}}
    auth = spec(chart.render(values=values), "SecurityPolicy")["apiKeyAuth"]
    assert auth["credentialRefs"] == [{"group": "", "kind": "Secret", "name": "keys"}]
    assert auth["extractFrom"] == [{"headers": ["x-mine"]}]
    assert auth["sanitize"] is True


def test_tokens_are_checked_by_a_key_set_at_a_url_or_in_a_config_map(chart: Chart) -> None:
    jwt = {"jwksUri": "https://a.example.com/keys", "issuer": "https://a", "audiences": ["b"]}
    objects = chart.render(values={"auth": {"jwt": jwt}})
    (provider,) = spec(objects, "SecurityPolicy")["jwt"]["providers"]
    assert provider["remoteJWKS"] == {"uri": jwt["jwksUri"]}
    assert (provider["issuer"], provider["audiences"]) == ("https://a", ["b"])
    objects = chart.render(values={"auth": {"jwt": {"jwksConfigMap": "keys"}}})
    (provider,) = spec(objects, "SecurityPolicy")["jwt"]["providers"]
    assert provider["localJWKS"]["valueRef"]["name"] == "keys"
    assert "issuer" not in provider


def test_requests_are_counted_for_each_address_of_both_families(chart: Chart) -> None:
    objects = chart.render(values={"rateLimit": {"requests": 9, "unit": "Second"}})
    rules = spec(objects, "BackendTrafficPolicy")["rateLimit"]["local"]["rules"]
    assert [rule["limit"] for rule in rules] == [{"requests": 9, "unit": "Second"}] * 2
    selectors = [rule["clientSelectors"][0]["sourceCIDR"] for rule in rules]
    assert [s["value"] for s in selectors] == ["0.0.0.0/0", "::/0"]
    assert {s["type"] for s in selectors} == {"Distinct"}


@pytest.mark.parametrize("auth", [KEYS, TOKENS])
def test_requests_are_counted_for_each_client_that_the_gateway_named(
    auth: dict[str, Any], chart: Chart
) -> None:
    objects = chart.render(values={**auth, "rateLimit": {"requests": 9, "by": "client"}})
    (rule,) = spec(objects, "BackendTrafficPolicy")["rateLimit"]["local"]["rules"]
    header = {"type": "Distinct", "name": "x-parley-client"}
    assert rule["clientSelectors"] == [{"headers": [header]}]
    assert "x-parley-client" in str(spec(objects, "SecurityPolicy"))


def test_with_a_certificate_the_release_has_a_gateway_without_a_plain_listener(
    chart: Chart,
) -> None:
    objects = chart.render(values=CERTIFICATE)
    (listener,) = spec(objects, "Gateway")["listeners"]
    assert (listener["protocol"], listener["port"]) == ("HTTPS", 443)
    assert listener["tls"]["certificateRefs"][0]["name"] == "certificate"
    for name in ("parley-multilingual-chat", "parley-chat-gateway"):
        (parent,) = find(objects, "HTTPRoute", name)["spec"]["parentRefs"]
        assert (parent["name"], parent["sectionName"]) == ("parley-edge", "https")
    assert policy(objects, "chat-gateway")["ingress"] == policy(objects, "router")["ingress"]
    (rule,) = policy(objects, "router")["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"] == {
        "gateway.envoyproxy.io/owning-gateway-name": "parley-edge",
        "gateway.envoyproxy.io/owning-gateway-namespace": "parley",
    }


def test_a_client_of_that_gateway_has_the_routers_own_time_to_send(chart: Chart) -> None:
    values = {**CERTIFICATE, "timeouts": {"read": 7, "idle": 77}}
    timeout = spec(chart.render(values=values), "ClientTrafficPolicy")["timeout"]["http"]
    assert timeout == {"requestReceivedTimeout": "7s", "idleTimeout": "77s"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"maxBodyBytes": 9, "httpRoute": {"enabled": False}},
            "maxBodyBytes: Envoy Gateway's policies hang on an HTTPRoute",
        ),
        (
            {**KEYS, "ingress": {"enabled": True}},
            "auth.apiKeys.existingSecret: an Ingress would be a second door without it",
        ),
        (
            {"auth": {**KEYS["auth"], **TOKENS["auth"]}},
            "auth.apiKeys.existingSecret and auth.jwt exclude each other",
        ),
        (
            {"auth": {"jwt": {"jwksUri": "https://a/b", "jwksConfigMap": "c"}}},
            "auth.jwt.jwksUri and auth.jwt.jwksConfigMap exclude each other",
        ),
        (
            {"auth": {"jwt": {"issuer": "https://a"}}},
            "auth.jwt: an issuer or audiences without a key set let everybody in",
        ),
        (
            {"rateLimit": {"requests": 9, "by": "client"}},
            "rateLimit.by=client: without auth.apiKeys.existingSecret or auth.jwt",
        ),
        ({"auth": {"jwt": {"jwksUri": "http://a/b"}}}, "jwksUri"),
        ({"maxBodyBytes": 0}, "maxBodyBytes"),
        ({"rateLimit": {"unit": "Fortnight"}}, "unit"),
    ],
)
def test_values_that_leave_a_door_open_are_refused(
    values: dict[str, Any], sentence: str, chart: Chart
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        chart.render(values=values)


def test_the_rate_limit_joins_the_policy_of_the_body(compose: Compose) -> None:
    found = spec(compose("edge/body-limit", "edge/rate-limit"), "BackendTrafficPolicy")
    assert found["requestBuffer"] and found["rateLimit"]["local"]["rules"]


def test_two_ways_to_know_a_client_are_refused(
    kustomized: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = kustomized("edge/api-key", "edge/jwt")
    assert done.returncode != 0
    assert "SecurityPolicy" in done.stderr and "already registered" in done.stderr


def test_the_components_take_the_time_to_send_from_the_graph(compose: Compose) -> None:
    for component in ("edge/tls", "edge/kserve-gateway"):
        objects = compose(component)
        timeouts = spec(objects, "InferenceGraph")["routerTimeouts"]
        assert spec(objects, "ClientTrafficPolicy")["timeout"]["http"] == {
            "requestReceivedTimeout": f"{timeouts['serverRead']}s",
            "idleTimeout": f"{timeouts['serverIdle']}s",
        }


def test_the_components_and_the_chart_make_the_same_of_one_wish(
    compose: Compose, chart: Chart
) -> None:
    values = {"maxBodyBytes": 8388608, "rateLimit": {"requests": 60}, **CERTIFICATE}
    mine = compose("edge/body-limit", "edge/rate-limit", "edge/tls")
    theirs = chart.render(values=values)
    for kind in ("BackendTrafficPolicy", "ClientTrafficPolicy"):
        ours, charts = dict(spec(mine, kind)), dict(spec(theirs, kind))
        assert ours.pop("targetRefs") and charts.pop("targetRefs")
        assert ours == charts


def test_no_plain_listener_and_no_other_proxy_is_left_with_tls(compose: Compose) -> None:
    objects = compose("edge/tls")
    (listener,) = spec(objects, "Gateway")["listeners"]
    (route,) = spec(objects, "HTTPRoute")["parentRefs"]
    assert listener["protocol"] == "HTTPS" and route["sectionName"] == listener["name"]
    (rule,) = find(objects, "NetworkPolicy", "router")["spec"]["ingress"]
    assert "kserve" not in str(rule)
