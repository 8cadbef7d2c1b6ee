"""The chart with chat and translators in one pod, on a real cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from predictors.images import catalogue as images
from tests.cluster import harness
from tests.cluster.deployment import Deployment
from tests.cluster.helm import Release
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster

FRENCH = {"user_input": "Bonjour, comment vas-tu ?"}
POD = "parley-colocated"


@pytest.fixture(scope="module")
def release(deployment: Deployment, program: Callable[[str], Path]) -> Iterator[Release]:
    """The chart with its embedded models in one pod, answering."""
    if deployment.cluster.own:
        harness.load_project((images.COLOCATED_EMBEDDED,), os.environ)
    deployment.clear()
    made = Release(program("helm"), deployment.kubectl)
    made.install("embedded", {"colocate": {"predictors": ["chat", "translators"]}})
    try:
        until(lambda: deployment.ask(FRENCH).status == 200, "a French answer", 300)
        yield made
    finally:
        deployment.kubectl("delete", "namespace", made.namespace, "--wait=true", timeout=300)


def test_one_pod_answers_for_all_its_models_through_the_gateway(
    release: Release, deployment: Deployment
) -> None:
    services = release.kubectl.list("inferenceservices", release.namespace)
    assert {item["metadata"]["name"] for item in services} == {POD, "parley-detector"}
    answer = deployment.ask(FRENCH)
    (turn,) = answer.body["predictions"]
    assert turn["language"] == "fr" and turn["response"].strip()
    called = [step["name"] for step in turn["steps"]]
    assert called[1:] == ["parley-translate-fr-en", "parley-chat", "parley-translate-en-fr"]


def test_helm_test_holds_its_conversation(release: Release) -> None:
    said = release.test()
    for language in ("en", "fr"):
        assert f"{language} > " in said and f"{language} < " in said, said


def test_the_pod_ends_within_its_grace_period_and_a_new_one_answers(
    release: Release, deployment: Deployment
) -> None:
    selector = f"serving.kserve.io/inferenceservice={POD}"
    (before,) = deployment.ready_pods(selector)
    # It waits for the end of the pod, which drains as any predictor does.
    release.kubectl("delete", "pod", before, "-n", release.namespace, timeout=70)
    until(lambda: set(deployment.ready_pods(selector)) - {before}, "another pod", 120)
    # The node learns the way to a ready pod a moment after the pod is ready.
    until(lambda: deployment.ask(FRENCH).status == 200, "an answer of the new pod", 60)
