"""What a turn lacks: its reasons, and the sentences about them."""

import json

import pytest

from graph import contract
from graph.turn.degradation import Reason, explain, reason_of
from tests.failures import FAILURES


def test_what_a_step_lacks_is_said_once_beside_what_others_lack():
    instance: contract.Instance = {"user_input": "Hi"}
    contract.add_degradation(instance, "chat", Reason.HISTORY_CUT)
    for _ in range(40):
        contract.add_degradation(instance, "t" * 200, Reason.ENGINE)
    assert instance["degraded"] == [
        {"step": "chat", "reason": "history-cut"},
        {"step": "t" * 128, "reason": "engine"},
    ]
    assert contract.read_instances(json.loads(json.dumps(instance)))


@pytest.mark.parametrize(("error", "reason"), FAILURES)
def test_every_error_has_a_reason(error, reason):
    assert reason_of(error) == reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_about_the_step(reason):
    sentence = explain("translate-{x}", reason)
    assert "translate-{x}" in sentence
    assert sentence.endswith(".")
    assert reason not in sentence.split()


def test_a_reason_of_a_newer_server_is_still_shown():
    assert explain("chat", "moved") == "chat did not do its part: moved."
