"""The chart on a real cluster: installed, tested, upgraded under load, rolled back, taken off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.deployment import Answer, Deployment
from tests.cluster.harness import HOST_NAME
from tests.cluster.helm import Release
from tests.cluster.kube import until
from tests.cluster.load import Load

pytestmark = pytest.mark.cluster

FRENCH = {"user_input": "Bonjour, comment vas-tu ?"}
ITALIAN = {"user_input": "Buongiorno, come stai oggi?"}
SECOND_HOST = "second.parley.example.com"
# Two routers, because KServe's ends without waiting for the turns that it carries.
TWO_ROUTERS = {"router": {"replicas": 2}, "kserve": {"checkGraphCRD": True}}
WITH_ITALIAN = {**TWO_ROUTERS, "languages": {"it": {}}}
# Every kind that the chart or KServe makes for it.
KINDS = (
    "inferencegraphs,inferenceservices,httproutes,networkpolicies,poddisruptionbudgets,"
    "horizontalpodautoscalers,serviceaccounts,roles,rolebindings,deployments,replicasets,services,"
    "jobs,persistentvolumeclaims,pods"
)


@pytest.fixture(scope="module")
def release(deployment: Deployment, program: Callable[[str], Path]) -> Iterator[Release]:
    """The chart with its embedded profile by Helm 3, answering; French and English."""
    deployment.clear()
    made = Release(program("helm"), deployment.kubectl)
    made.install("embedded", TWO_ROUTERS)
    try:
        until(lambda: answers(deployment, FRENCH), "a French answer", 300)
        yield made
    finally:
        deployment.kubectl("delete", "namespace", made.namespace, "--wait=true", timeout=300)


def test_helm_test_holds_a_conversation_in_every_language(release: Release) -> None:
    said = release.test()
    for language in ("en", "fr"):
        assert f"{language} > " in said and f"{language} < " in said, said


def test_helm_test_leaves_nothing_behind(release: Release) -> None:
    labels = "app.kubernetes.io/component=test"
    assert not release.kubectl.list("pods,networkpolicies", release.namespace, labels)


def test_a_language_is_added_under_load_and_no_turn_fails(
    release: Release, deployment: Deployment
) -> None:
    with french_load(deployment) as load:
        until_more(load)
        release.upgrade("embedded", WITH_ITALIAN)
        until(lambda: speaks_italian(deployment), "an Italian answer", 600)
        # Until then an old detector may take it for French, and an old router for English.
        for name in ("parley-detector-predictor", "parley-multilingual-chat"):
            status = ("rollout", "status", f"deployment/{name}", "-n", release.namespace)
            release.kubectl(*status, timeout=300)
        until_more(load)
    assert not load.failures
    assert speaks_italian(deployment)


def test_a_second_release_lives_beside_it_by_helm_4(
    release: Release, deployment: Deployment, program: Callable[[str], Path]
) -> None:
    second = Release(program("helm4"), deployment.kubectl, name="second")
    second.install("embedded", {"multilingualChat": {"host": SECOND_HOST}})
    try:
        until(lambda: answers(deployment, FRENCH, SECOND_HOST), "an answer of the second", 300)
        said = second.test()
        assert "fr < " in said, said
        assert speaks_italian(deployment)
        # Italian is the first one's alone.
        assert not answers(deployment, {**ITALIAN, "language": "it"}, SECOND_HOST)
    finally:
        second.uninstall()
    until(lambda: not objects_of(second), "the end of the second release", 120)
    assert answers(deployment, FRENCH)


def test_a_rollback_takes_the_language_away_and_no_turn_fails(
    release: Release, deployment: Deployment
) -> None:
    with french_load(deployment) as load:
        until_more(load)
        release.rollback(1)
        until(lambda: not answers(deployment, {**ITALIAN, "language": "it"}), "no Italian", 300)
        until(lambda: "parley-translate-it-en" not in services(release), "no translator", 300)
        until_more(load)
    assert not load.failures


def test_it_is_uninstalled_without_a_trace(release: Release) -> None:
    """The last test of this file: the release is gone after it."""
    release.uninstall()
    until(lambda: not objects_of(release), "the end of the release", 180)


def answers(deployment: Deployment, turn: dict[str, Any], host: str = HOST_NAME) -> bool:
    return ask(deployment, turn, host).status == 200


def speaks_italian(deployment: Deployment) -> bool:
    """Whether an Italian turn is taken for one, and answered."""
    answer = deployment.ask(ITALIAN)
    if answer.status != 200:
        return False
    (prediction,) = answer.body["predictions"]
    return prediction["language"] == "it" and bool(prediction["response"].strip())


def ask(deployment: Deployment, turn: dict[str, Any], host: str = HOST_NAME) -> Answer:
    return deployment.ask(turn, host=host)


def french_load(deployment: Deployment) -> Load:
    def french(turn: dict[str, Any]) -> tuple[int, Any]:
        answer = deployment.ask(FRENCH)
        return answer.status, answer.body

    return Load(french)


def until_more(load: Load, turns: int = 4) -> None:
    """Let some turns pass, so that the load is steady before and after."""
    target = load.answered + len(load.failures) + turns
    until(lambda: load.answered + len(load.failures) >= target, f"{turns} turns", 240)


def services(release: Release) -> set[str]:
    found = release.kubectl.list("inferenceservices", release.namespace)
    return {item["metadata"]["name"] for item in found}


def objects_of(release: Release) -> list[str]:
    """What is there of a release, by the label that its objects and their pods bear."""
    label = f"app.kubernetes.io/instance={release.name}"
    found = release.kubectl.list(KINDS, release.namespace, label)
    return [f"{item['kind']}/{item['metadata']['name']}" for item in found]
