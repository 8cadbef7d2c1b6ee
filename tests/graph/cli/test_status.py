"""A status as people and programs read it."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from graph.cli.status import draw, list_changes, list_lines, qualified_names, to_dict
from graph.cluster.parts.model import Part, State, Status
from graph.cluster.reasons.model import Cause, LogSource, Reason

LOG = LogSource("chat-1", "kserve-container", previous=True, restarts=2)
REASON = Reason(Cause.CRASH, "it crashed [1]", "see its log", LOG, ("no [such] model",))
POD = Part("Pod", "chat-1", State.FAILING, "starts", REASON)
SERVICE = Part("InferenceService", "chat", State.FAILING, "0 of 1 pods available", parts=(POD,))
GRAPH = Part("InferenceGraph", "talk", State.WAITING, "waits for chat")
STATUS = Status("parley", (Part("Application", "talk", State.FAILING, parts=(SERVICE, GRAPH)),))
READY = Status(
    "parley",
    (
        Part(
            "Application",
            "talk",
            State.READY,
            parts=(replace(SERVICE, state=State.READY, detail="1 of 1 pods available", parts=()),),
        ),
    ),
)


def test_plain_lines_are_the_tree() -> None:
    assert list(list_lines(STATUS)) == [
        "Application talk: failing",
        "  InferenceService chat: failing, 0 of 1 pods available",
        "    Pod chat-1: failing",
        "      it crashed [1]",
        "      fix: see its log",
        "      log: no [such] model",
        "  InferenceGraph talk: waiting, waits for chat",
    ]


def test_a_terminal_shows_the_same_with_brackets_as_they_are() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(draw(replace(STATUS, problem="refused [111]")))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for words in ("chat failing 0 of 1 pods", "it crashed [1]", "log: no [such] model", "[111]"):
        assert words in shown


def test_only_what_changed_is_told() -> None:
    assert list(list_changes(STATUS, STATUS)) == []
    assert list(list_changes(STATUS, READY)) == [
        "InferenceService chat: ready, 1 of 1 pods available"
    ]
    assert list(list_changes(None, STATUS))[1:4] == [
        "Pod chat-1: failing",
        "  it crashed [1]",
        "  fix: see its log",
    ]


def test_a_model_that_loads_is_no_news() -> None:
    def loading(words: str) -> Status:
        reason = Reason(Cause.PROBE_FAILING, words, "wait")
        pod = Part("Pod", "chat-1", State.WAITING, "starts", reason)
        return Status("parley", (Part("Application", "talk", State.WAITING, parts=(pod,)),))

    assert list(list_changes(None, loading("503"))) == ["Pod chat-1: waiting, starts"]
    assert list(list_changes(loading("503"), loading("no answer"))) == []
    assert "    503" in list_lines(loading("503"))


def test_a_cluster_that_does_not_answer_is_told_once_and_so_is_its_return() -> None:
    lost = replace(STATUS, problem="no connection")
    assert list(list_changes(STATUS, lost)) == ["the cluster does not answer: no connection"]
    assert list(list_changes(lost, lost)) == []
    assert list(list_changes(lost, STATUS)) == ["it answers again"]


def test_programs_get_everything() -> None:
    [application] = to_dict(STATUS)["applications"]
    assert to_dict(STATUS)["ready"] is False
    pod = application["parts"][0]["parts"][0]
    assert pod["reason"] == {
        "cause": "crash",
        "message": "it crashed [1]",
        "fix": "see its log",
        "log": ["no [such] model"],
    }


def test_names_are_those_of_kubectl() -> None:
    assert qualified_names(STATUS) == ["inferencegraph.serving.kserve.io/talk"]
    alone = Status("parley", (replace(STATUS.applications[0], name="chat", parts=(SERVICE,)),))
    assert qualified_names(alone) == ["inferenceservice.serving.kserve.io/chat"]
