"""The translator application runs beside the chat, and leaves it alone when it goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.deployment import Answer, Deployment
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster

HOST = "translator.parley.example.com"


@pytest.fixture(scope="module")
def beside(deployment: Deployment) -> Iterator[Deployment]:
    """The translator, answering, on the cluster that carries the chat."""
    deployment.ensure("overlays/embedded")
    chat = deployment.overlay
    deployment.apply("translator")
    deployment.overlay = chat
    until(lambda: ask(deployment, "Good morning").status == 200, "an answer of translator", 180)
    yield deployment
    deployment.clear("translator")
    deployment.overlay = chat


def ask(deployment: Deployment, *texts: str) -> Answer:
    return deployment.ask(*({"user_input": text} for text in texts), host=HOST)


@pytest.mark.parametrize(
    ("text", "language"),
    [("Where is the railway station?", "en"), ("Vorrei un caffè e un cornetto.", "it")],
)
def test_a_text_is_translated_into_the_other_language(
    text: str, language: str, beside: Deployment
) -> None:
    answer = ask(beside, text)
    assert answer.status == 200, answer.body
    (prediction,) = answer.body["predictions"]
    assert prediction["language"] == language
    assert prediction["response"].strip() not in ("", text)


def test_a_batch_may_mix_both_directions(beside: Deployment) -> None:
    answer = ask(beside, "The weather is nice today.", "Buongiorno, come stai?")
    assert answer.status == 200, answer.body
    assert [p["language"] for p in answer.body["predictions"]] == ["en", "it"]
    assert all(p["response"].strip() for p in answer.body["predictions"])


def test_the_chat_answers_beside_it(beside: Deployment) -> None:
    assert beside.ask({"user_input": "Bonjour, comment vas-tu ?"}).status == 200
