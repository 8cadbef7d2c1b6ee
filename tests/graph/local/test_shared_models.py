"""Services of one process that name the same model hold its weights once."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.local.build import build, read_file
from graph.spec.load import load_objects

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc"),
]

TRANSLATOR = (
    "predictors.translator, --model_name=%s, --source=%s, --target=%s,"
    " '--model=embedded:gemma3-270m', --parallel=1"
)
TWO = [TRANSLATOR % ("to-english", "fr", "en"), TRANSLATOR % ("from-english", "en", "fr")]
POD = """
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: %s}
spec: {predictor: {containers: [{name: c, image: x, command: [python, -m, %s], args: [%s]}]}}
"""
GRAPH = """
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: g}
spec:
  nodes:
    root:
      routerType: Sequence
      steps:
        - serviceUrl: http://%s-predictor.default.svc.cluster.local/v1/models/to-english:predict
        - serviceUrl: http://%s-predictor.default.svc.cluster.local/v1/models/from-english:predict
"""


def apart() -> str:
    """Two services, each with a translator."""
    pods = [POD % (name, *options.split(", ", 1)) for name, options in zip("ab", TWO, strict=True)]
    return GRAPH % ("a", "b") + "".join(pods)


def together() -> str:
    """One pod with both."""
    return GRAPH % ("pod", "pod") + POD % ("pod", "predictors.colocated", ", ".join(TWO))


def loads_of(name: str) -> int:
    """How often the first part of a file that is mapped at all is: once for each load of it."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    offsets = [line.split()[2] for line in lines if line.endswith(name)]
    return offsets.count(min(offsets, default=""))


@pytest.mark.parametrize("manifests", [apart, together])
async def test_two_translators_of_one_model_load_it_once_and_free_it_together(manifests) -> None:
    local = build(load_objects(manifests(), "my.yaml"), "my.yaml")
    local.load()
    try:
        assert loads_of("gemma-3-270m-q4_k_m.gguf") == 1
        assert [handler.ready for handler in local.handlers.values()] == [True, True]
        body = b'{"user_input": "Bonjour.", "language": "fr", "response_en": "Good evening."}'
        answers = [await local.predict(name, body) for name in local.handlers]
        assert [answer.status for answer in answers] == [200, 200]
        first, last = local.handlers.values()
        first.close()
        assert (await first.answer(body)).status == 503
        assert (await last.answer(body)).status == 200
    finally:
        local.close()
    assert loads_of("gemma-3-270m-q4_k_m.gguf") == 0


def test_the_shipped_chat_holds_each_of_its_models_once() -> None:
    local = build(read_file(""), "embedded.yaml")
    local.load()
    try:
        names = ("gemma-3-270m-q4_k_m.gguf", "SmolLM2-135M-Instruct.Q4_1.gguf")
        assert [loads_of(name) for name in names] == [1, 1]
    finally:
        local.close()
