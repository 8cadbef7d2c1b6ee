"""Weights from a volume: a Job pulls and converts them once, and images without torch serve them.

A stand-in hub on the cluster gives small checkpoints under the reference models' names. Needs a
node whose disk the test may read and fill: the harness's own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from predictors import images
from tests.cluster import harness
from tests.cluster.deployment import NAMESPACE, Deployment, selector
from tests.cluster.kube import KubectlError, condition, until
from tests.cluster.model_hub import VOLUME, model_hub
from tests.cluster.policies import Pod, may_connect

pytestmark = pytest.mark.cluster

FROM_HUB = "../tests/cluster/files/from-hub"
JOB = "app.kubernetes.io/component=models"
MODELS = {
    "translate-fr-en": "hf:Helsinki-NLP/opus-mt-fr-en@",
    "chat": "hf:facebook/blenderbot-400M-distill@",
    "translate-en-fr": "hf:google-t5/t5-small@",
}
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def times() -> dict[str, float]:
    """What took how many seconds."""
    return {}


@pytest.fixture(scope="module")
def filled(
    deployment: Deployment, times: dict[str, float], pytestconfig: pytest.Config
) -> Iterator[Deployment]:
    """The overlay for CPUs, answering with the models that its Job pulled and converted."""
    if not deployment.cluster.own:
        pytest.skip("fills a disk of the node, which only a node of the harness's own may be asked")
    kubectl = deployment.kubectl
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    # Gigabytes are built and loaded here: what is done is seen as it happens.
    with capture.global_and_fixture_disabled():
        started = time.monotonic()
        harness.load_project((*images.PLAIN, images.MODELS), os.environ)
        times["building and loading the images, the one with torch too"] = _since(started)
    deployment.clear()
    with model_hub(kubectl):
        try:
            started = time.monotonic()
            deployment.apply(FROM_HUB)
            _until_complete(deployment)
            times["from apply to the end of the Job"] = _since(started)
            started = time.monotonic()
            # Pods that found no model yet have waited for it.
            kubectl.wait("inferenceservice --all", "condition=Ready", NAMESPACE, 300)
            deployment.wait()
            times["from then to the first answer"] = _since(started)
            yield deployment
        finally:
            deployment.clear()


@pytest.mark.parametrize(
    ("text", "language", "steps"),
    [
        ("Bonjour, comment allez-vous ?", "fr", ["translate-fr-en", "chat", "translate-en-fr"]),
        ("Hello, how are you today?", "en", ["chat"]),
    ],
)
def test_the_graph_answers_with_the_models_of_the_volume(
    text: str,
    language: str,
    steps: list[str],
    filled: Deployment,
) -> None:
    answer = filled.ask({"user_input": text})
    assert answer.status == 200, answer.body
    (prediction,) = answer.body["predictions"]
    assert prediction["language"] == language
    assert prediction["response"].strip()
    used = {step["name"]: step["model"] for step in prediction["steps"]}
    assert list(used) == ["detector", *steps]
    for name in steps:
        assert used[name].startswith(MODELS[name])


def test_each_model_is_converted_once_for_the_cpu(
    filled: Deployment, times: dict[str, float], record_property: Record
) -> None:
    for name, seconds in times.items():
        record_property(f"weights from a volume: {name}", f"{seconds} s")
    converted = sorted(path.name for path in (VOLUME / "converted").iterdir())
    expected = ("blenderbot-400M-distill-int8-", "opus-mt-fr-en-int8-", "t5-small-int8-")
    assert [name[:-16] for name in converted] == list(expected)


@pytest.mark.parametrize("name", MODELS)
def test_an_image_without_torch_serves_a_converted_model(name: str, filled: Deployment) -> None:
    for package in ("torch", "transformers"):
        with pytest.raises(KubectlError, match=f"No module named '{package}'"):
            _run_python(filled, name, f"import {package}")
    assert _run_python(filled, name, "import ctranslate2") == ""


def test_the_job_may_call_a_hub_over_https_and_nobody_may_call_the_job(filled: Deployment) -> None:
    policies = filled.kubectl.list("networkpolicies", "")
    job = _pod(filled, NAMESPACE, "app.kubernetes.io/component=models")
    chat = _pod(filled, NAMESPACE, selector("chat"))
    hub = _pod(filled, "model-hub", "app=hub")
    assert may_connect(job, hub, 443, "TCP", policies)
    assert not may_connect(job, hub, 80, "TCP", policies)
    assert not may_connect(job, chat, 8080, "TCP", policies)
    assert not may_connect(chat, hub, 443, "TCP", policies)
    assert not may_connect(chat, job, 443, "TCP", policies)


@pytest.mark.parametrize("name", MODELS)
def test_a_predictor_cannot_write_to_the_volume(name: str, filled: Deployment) -> None:
    with pytest.raises(KubectlError, match="Read-only file system"):
        _run_python(filled, name, "open('/models/new', 'w')")


def test_the_job_run_again_finds_all_there_and_ends(
    filled: Deployment, record_property: Record
) -> None:
    before = _files()
    assert before
    filled.kubectl("delete", "job", "--all", "-n", NAMESPACE)
    started = time.monotonic()
    filled.apply(FROM_HUB)
    _until_complete(filled)
    record_property("weights from a volume: the Job run again", f"{_since(started)} s")
    assert _files() == before


def _until_complete(deployment: Deployment) -> None:
    """Until the Job has done its work; at once an error, with what it said, when it fails."""

    def ended() -> str | None:
        (job,) = deployment.kubectl.list("jobs", NAMESPACE)
        return next((c for c in ("Complete", "Failed") if condition(job, c) == "True"), None)

    try:
        how = until(ended, "the end of the Job", 300)
    except TimeoutError:
        how = "not ended"
    if how != "Complete":
        said = deployment.kubectl(
            "logs", f"--selector={JOB}", "-n", NAMESPACE, "--tail=20", both=True
        )
        pytest.fail(f"the Job that fills the volume has {how}: {said}")


def _pod(deployment: Deployment, namespace: str, labels: str) -> Pod:
    """A pod as policies see it."""
    found = deployment.kubectl.list("pods", namespace, labels)[0]["metadata"]
    space = deployment.kubectl.get("namespace", namespace, "")["metadata"]["labels"]
    return Pod(found["name"], namespace, found["labels"], space)


def _run_python(deployment: Deployment, name: str, program: str) -> str:
    """Run a program in the pod of a predictor; what it printed. Raises KubectlError."""
    (pod, *_) = deployment.ready_pods(selector(name))
    return deployment.kubectl(
        *("exec", pod, f"--namespace={NAMESPACE}", "--container=kserve-container"),
        *("--", "python", "-c", program),
    )


def _files() -> dict[str, tuple[int, int, int]]:
    """Every file that holds a model: inode, size and time of its last change."""
    found: dict[str, Any] = {}
    for folder in ("hf", "converted"):
        for path in (VOLUME / folder).rglob("*"):
            stat = path.stat()
            found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)
