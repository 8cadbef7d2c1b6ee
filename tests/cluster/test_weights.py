"""Weights from a volume: a Job pulls and converts them once, and images without torch serve them.

A stand-in hub on the cluster gives small checkpoints under the reference models' names. Needs a
node whose disk the test may read and fill: the harness's own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import harness
from tests.cluster.connections import End, listener, opened, reached_from_the_node
from tests.cluster.deployment import NAMESPACE, Deployment, selector
from tests.cluster.kube import KubectlError
from tests.cluster.model_hub import VOLUME
from tests.cluster.weights import FROM_HUB, JOB, seconds_since, until_complete

pytestmark = pytest.mark.cluster

MODELS = {
    "translate-fr-en": "hf:Helsinki-NLP/opus-mt-fr-en@",
    "chat": "hf:facebook/blenderbot-400M-distill@",
    "translate-en-fr": "hf:google-t5/t5-small@",
}
Record = Callable[[str, object], None]


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


def test_the_job_may_call_a_hub_over_https_and_nobody_else_may(filled: Deployment) -> None:
    """The Job itself has ended; it fetched all from the hub. Its policy goes by labels alone."""
    box = harness.own_sandbox()
    targets = {
        "hub": End(_address(filled, "model-hub", "app=hub"), 443),
        "chat": End(_address(filled, NAMESPACE, selector("chat")), 8080),
    }
    assert reached_from_the_node(box, targets) == set(targets)
    with _pod_like_the_job(filled) as job:
        sources = {"job": job, "chat": targets["chat"].address}
        assert opened(box, sources, targets) == {("job", "hub")}


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
    until_complete(filled)
    record_property("weights from a volume: the Job run again", f"{seconds_since(started)} s")
    assert _files() == before


def _address(deployment: Deployment, namespace: str, labels: str) -> str:
    return str(deployment.kubectl.list("pods", namespace, labels)[0]["status"]["podIP"])


@contextmanager
def _pod_like_the_job(deployment: Deployment) -> Iterator[str]:
    """A pod that the Job's policy selects; its address."""
    kubectl = deployment.kubectl
    labels = kubectl.list("pods", NAMESPACE, JOB)[0]["metadata"]["labels"]
    pod = listener("like-the-job", "parley-detector:0.1.0")
    pod["metadata"]["labels"] = {
        key: labels[key] for key in labels if key.startswith("app.kubernetes.io/")
    }
    kubectl.apply(json.dumps(pod), "-n", NAMESPACE)
    try:
        kubectl.wait("pod/like-the-job", "condition=Ready", NAMESPACE)
        yield str(kubectl.get("pod", "like-the-job", NAMESPACE)["status"]["podIP"])
    finally:
        kubectl("delete", "pod", "like-the-job", "-n", NAMESPACE, "--now")


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
