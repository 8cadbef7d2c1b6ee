"""The kinds that are applied: those that the project ships, and those that the Role reaches."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from graph.cluster.kinds import KINDS, is_ours

ROOT = Path(__file__).parents[3]
VERBS = ["get", "list", "watch", "create", "patch", "delete"]
# They stand in examples for gateways of others, and in the chart's tests, which Helm runs.
ELSEWHERE = {"RequestAuthentication", "AuthorizationPolicy", "EnvoyFilter", "CiliumEnvoyConfig"}
NOT_APPLIED = {"Kustomization", "Component", "Pod", *ELSEWHERE}


def test_every_kind_that_is_shipped_is_applied_without_being_asked_for() -> None:
    seen = set()
    for folder in ("manifests", "helm/parley/templates"):
        for file in (ROOT / folder).rglob("*.yaml"):
            text = file.read_text("utf-8")
            seen |= set(re.findall(r"^apiVersion: (\S+)\nkind: (\w+)$", text, re.M))
    assert len(seen) > 15
    for api_version, kind in seen:
        group = api_version.rpartition("/")[0]
        assert is_ours(group, kind) or kind in NOT_APPLIED, (api_version, kind)


def test_the_shipped_role_reaches_every_kind_but_the_guarded_ones() -> None:
    role = yaml.safe_load((ROOT / "manifests" / "access" / "role.yaml").read_text("utf-8"))
    reached = {
        (rule["apiGroups"][0], resource)
        for rule in role["rules"]
        for resource in rule["resources"]
        if rule["verbs"] == VERBS
    }
    assert reached == {(kind.group, plural(kind.name)) for kind in KINDS if not kind.guarded}


def plural(kind: str) -> str:
    word = kind.lower()
    if word.endswith("policy"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith("s") else "s")
