"""What `helm install` prints: the requests to send, and what is risky."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.chart import CHART

# The only Helm that prints notes without a cluster.
INSTALL = ["install", "parley", str(CHART), "-n", "parley", "--dry-run=client", "--values=-"]


def notes(helm4: Path, values: dict[str, Any] | None = None) -> str:
    done = subprocess.run(
        [str(helm4), *INSTALL],
        input=json.dumps(values or {}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\nNOTES:\n")[2]


def test_they_name_a_request_for_each_application_and_the_test(helm4: Path) -> None:
    said = notes(helm4, {"translation": {"enabled": True}, "basicChat": {"enabled": True}})
    assert "-H 'Host: multilingual-chat.parley.example.com'" in said
    assert "-H 'Host: translator.parley.example.com'" in said
    assert '"http://$GATEWAY/v1/models/parley-chat:predict"' in said
    assert "kubectl get gateway -n kserve kserve-ingress-gateway" in said
    assert "parley chat --url" in said
    assert "helm test parley -n parley" in said


def test_without_a_door_they_forward_a_port(helm4: Path) -> None:
    said = notes(helm4, {"httpRoute": {"enabled": False}})
    assert "kubectl port-forward -n parley service/parley-multilingual-chat 8080:80" in said
    assert "GATEWAY" not in said


def test_they_say_what_one_translator_serves(helm4: Path) -> None:
    shared = {"model": "hf:facebook/m2m100_418M@main"}
    given: dict[str, Any] = {"sharedTranslator": shared, "languages": {"es": {}}}
    wanted = "One model translates es, fr: hf:facebook/m2m100_418M@main, in 2 predictors."
    assert wanted in notes(helm4, given)
    given["sharedTranslator"] = shared | {"services": 1}
    assert "in 1 predictor." in notes(helm4, given)
    assert "One model translates" not in notes(helm4)


def test_they_say_what_outlives_the_release(helm4: Path) -> None:
    assert "leaves the claim parley-models" in notes(helm4)
    assert "leaves the claim" not in notes(helm4, {"weights": {"volume": {"keep": False}}})


def test_they_say_that_the_graph_does_not_wait_for_models_that_share_a_pod(helm4: Path) -> None:
    said = notes(helm4, {"colocate": {"predictors": ["chat"]}})
    assert "--for=condition=Ready inferenceservice/parley-colocated" in said
    assert "inferenceservice/" not in notes(helm4)


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"networkPolicies": {"enabled": False}}, "networkPolicies.enabled is false"),
        ({"ingress": {"enabled": True}}, "ingress.tls is empty"),
        (
            {"weights": {"volume": {"accessMode": "ReadWriteOnce"}}},
            "weights.volume.accessMode is ReadWriteOnce: every pod",
        ),
        (
            {"networkPolicies": {"gateways": {"envoy-gateway": None}}},
            "networkPolicies.gateways is empty",
        ),
        (
            {"chat": {"model": "", "openai": {"url": "http://llm/v1", "model": "m"}}},
            "chat.openai.peer is empty",
        ),
    ],
)
def test_they_warn_of_a_risk_and_only_where_there_is_one(
    values: dict[str, Any], warning: str, helm4: Path
) -> None:
    assert f"WARNING: {warning}" in notes(helm4, values)
    assert "WARNING" not in notes(helm4)


def test_they_call_a_closed_door_with_its_key_and_over_tls(helm4: Path) -> None:
    values = {
        "auth": {"apiKeys": {"existingSecret": "keys", "header": "x-mine"}},
        "tls": {"existingSecret": "certificate"},
    }
    said = notes(helm4, {**values, "basicChat": {"enabled": True}})
    assert said.count("-H 'x-mine: KEY'") == 2
    assert said.count('--connect-to "::$GATEWAY:443" "https://') == 2
    assert "kubectl get gateway -n parley parley-edge" in said
    assert "http://" not in said


def test_they_name_a_token_where_one_is_asked_for(helm4: Path) -> None:
    said = notes(helm4, {"auth": {"jwt": {"jwksConfigMap": "keys"}}})
    assert "-H 'Authorization: Bearer TOKEN'" in said


def test_they_name_the_page_and_six_lines_for_the_gateway(helm4: Path) -> None:
    said = notes(helm4)
    assert "\n  http://chat.parley.example.com/\n" in said
    _, _, lines = said.partition("  from openai import OpenAI\n")
    program = ["from openai import OpenAI", *lines.split("\n")[:5]]
    compile("\n".join(line.removeprefix("  ") for line in program), "notes", "exec")
    assert 'base_url="http://chat.parley.example.com/v1", api_key="none"' in said
    assert 'model = "parley-multilingual-chat"' in said
    assert "from openai" not in notes(helm4, {"chatGateway": {"enabled": False}})


def test_they_name_the_gateways_key_and_its_port_where_there_is_no_door(helm4: Path) -> None:
    said = notes(helm4, {"chatGateway": {"apiKeys": {"existingSecret": "keys"}}})
    assert 'api_key="KEY")' in said
    said = notes(helm4, {"httpRoute": {"enabled": False}})
    assert "kubectl port-forward -n parley service/parley-chat-gateway 8000:80" in said
    assert 'base_url="http://127.0.0.1:8000/v1"' in said


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({"auth": {"apiKeys": {"existingSecret": "keys"}}}, "auth.apiKeys asks for the header"),
        ({"chatGateway": {"replicas": 2}}, "without chatGateway.cache each gateway translates"),
    ],
)
def test_they_note_what_the_gateway_lacks(values: dict[str, Any], note: str, helm4: Path) -> None:
    assert f"NOTE: {note}" in notes(helm4, values)
    assert f"NOTE: {note}" not in notes(helm4)
