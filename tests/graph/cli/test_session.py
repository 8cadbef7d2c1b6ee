"""The conversation in a terminal, by whole transcripts."""

import json
import re

import pytest

from graph.cli.session import COMMANDS, Session
from graph.client import ChatClient
from graph.local.transport import LocalTransport
from tests.fakes import broken, embedded_graph, predictors


@pytest.fixture
def talk():
    """Feeds lines to a session on the shipped graph with fakes; gives stdout and stderr."""
    clients = []

    def run(*lines, reply="You said: {}".format, context=200_000, **options):
        graph = embedded_graph(predictors(reply, context))
        client = ChatClient(transport=LocalTransport(graph))
        clients.append(client)
        out: list[str] = []
        notes: list[str] = []
        session = Session(client.conversation(), out.append, notes.append, **options)
        waiting = iter(lines)

        def read():
            line = next(waiting, None)
            if line is None:
                raise EOFError
            return line if isinstance(line, str) else line.decode()

        ok = session.run(read)
        return ok, out, notes

    yield run
    for client in clients:
        client.close()


def test_a_conversation_in_two_languages(talk):
    ok, out, notes = talk(
        "Hello, how are you today?",
        "Je voudrais un café, s'il vous plaît.",
        "/original",
        "/history",
        "/quit",
        "never read",
    )
    assert ok
    assert out == [
        "[en] You said: Hello, how are you today?",
        "[fr] fr:You said: en:Je voudrais un café, s'il vous plaît.",
        "[fr] fr:You said: en:Je voudrais un café, s'il vous plaît.",
        "     you: en:Je voudrais un café, s'il vous plaît.",
        "  answer: You said: en:Je voudrais un café, s'il vous plaît.",
        "you: Hello, how are you today?",
        "answer: You said: Hello, how are you today?",
        "you: en:Je voudrais un café, s'il vous plaît.",
        "answer: You said: en:Je voudrais un café, s'il vous plaît.",
    ]
    assert notes == ["original: on"]


def test_no_answer_is_said_in_words_and_is_a_failure_but_not_the_end(talk):
    silent = lambda text: "" if "nothing" in text else f"You said: {text}"  # noqa: E731
    ok, out, notes = talk("Say nothing, please.", "Hello there", reply=silent)
    assert not ok
    assert out == ["[en] You said: Hello there"]
    assert notes == [
        "note: There is no answer.",
        "note: The model of chat gave no answer, twice.",
    ]


def test_a_turn_without_an_answer_is_still_json(talk):
    ok, out, _ = talk("Say nothing, please.", reply=lambda text: "", as_json=True)
    assert not ok
    [turn] = map(json.loads, out)
    assert turn["response"] == ""
    assert turn["degraded"] == [{"step": "chat", "reason": "no-answer"}]


def test_a_history_that_is_cut_is_said_once(talk):
    lines = ["Hello there, how are you?"] * 4
    ok, out, notes = talk(*lines, reply=lambda text: "Fine.", context=100_014)
    assert ok and len(out) == 4
    assert notes == [
        "note: The conversation is too long for chat, which left out the oldest turns."
    ]


def test_the_language_can_be_chosen_and_given_back(talk):
    _, out, notes = talk("/lang", "/lang fr", "Hello", "/lang auto", "/lang", "Hello there")
    assert out == ["[fr] fr:You said: en:Hello", "[en] You said: Hello there"]
    assert notes == ["language: auto", "language: fr", "language: auto", "language: auto"]


def test_a_language_that_is_not_served_is_an_error_and_the_conversation_goes_on(talk):
    ok, out, notes = talk("/lang de", "Hello there", "/lang auto", "Hello there")
    assert not ok
    assert out == ["[en] You said: Hello there"]
    assert notes[1] == "error: language: 'de' is not served; served are en, fr"


@pytest.mark.parametrize(
    ("languages", "problem"),
    [
        (("en", "fr"), "'klingon' is not served; choose en, fr or auto"),
        ((), "language: must be a language code such as 'fr'"),
    ],
)
def test_a_language_that_cannot_be_served_is_refused_when_it_is_chosen(talk, languages, problem):
    ok, out, notes = talk("/lang klingon", "/lang", "Hello there", languages=languages)
    assert ok
    assert notes == [problem, "language: auto"]
    assert out == ["[en] You said: Hello there"]


def test_reset_forgets_the_conversation_and_the_language(talk):
    _, out, notes = talk("/lang fr", "Hello there", "/reset", "/history", "/lang")
    assert out == ["[fr] fr:You said: en:Hello there"]
    assert notes[1:] == ["the conversation is empty; language: auto", "language: auto"]


def test_save_writes_what_the_graph_returned(talk, tmp_path):
    file = tmp_path / "talk.json"
    _, _, notes = talk("Hello there", f"/save {file}", "/save", f"/save {tmp_path}/no/where.json")
    [turn] = json.loads(file.read_text())["turns"]
    assert turn["response"] == "You said: Hello there"
    assert [step["name"] for step in turn["steps"]] == ["detector", "chat"]
    assert notes[0] == f"saved 1 turns to {file}"
    assert notes[1] == "/save FILE: name the file"
    assert notes[2].endswith("No such file or directory; nothing was saved")


def test_save_replaces_a_file_only_when_told_so(talk, tmp_path):
    file = tmp_path / "talk.json"
    file.write_text("kept")
    _, _, notes = talk("Hello there", f"/save {file}")
    assert notes == [f"{file} is there already; /save! {file} replaces it"]
    assert file.read_text() == "kept"
    _, _, notes = talk("Hello there", f"/save! {file}")
    assert notes == [f"saved 1 turns to {file}"]
    assert len(json.loads(file.read_text())["turns"]) == 1


def test_load_goes_on_with_a_conversation_that_was_saved(talk, tmp_path):
    file = tmp_path / "talk.json"
    talk("Où est la gare, s'il vous plaît ?", f"/save {file}")
    _, out, notes = talk(f"/load {file}", "/history", "ok", "/load", f"/load {tmp_path}/none.json")
    assert out == [
        "you: en:Où est la gare, s'il vous plaît ?",
        "answer: You said: en:Où est la gare, s'il vous plaît ?",
        "[fr] fr:You said: en:ok",
    ]
    assert notes == [
        f"loaded 1 turns of {file}",
        "/load FILE: name the file",
        f"{tmp_path}/none.json: No such file or directory; the conversation is as it was",
    ]


def test_a_file_that_is_no_conversation_leaves_this_one_as_it_was(talk, tmp_path):
    file = tmp_path / "talk.json"
    file.write_text("[]")
    _, out, notes = talk("Hello there", f"/load {file}", "/history")
    assert len(out) == 3
    assert notes[0].startswith(f"{file}: is not a saved conversation")


def test_a_line_that_is_not_utf_8_is_left_out_and_the_conversation_goes_on(talk):
    ok, out, notes = talk(b"caf\xe9", "Hello there")
    assert not ok
    assert notes == ["error: the line is not UTF-8 text; it was left out"]
    assert out == ["[en] You said: Hello there"]


def test_as_json_each_message_has_one_line(talk):
    reply = "One\nTwo\n{}".format
    ok, out, notes = talk(
        "Hello there", "x" * 10_001, "/original", "/history", reply=reply, as_json=True
    )
    assert not ok
    answer, problem = map(json.loads, out)
    assert answer["response"] == "One\nTwo\nHello there"
    assert [step["name"] for step in answer["steps"]] == ["detector", "chat"]
    assert problem == {"error": "message: 10001 characters, at most 10000 are taken"}
    assert "you: Hello there" in notes


def test_help_lists_every_command(talk):
    _, out, notes = talk("/help", "/nonsense")
    assert out == []
    assert [line.split()[0].rstrip(":") for line in notes[:-1]] == list(COMMANDS)
    assert notes[-1] == "/nonsense: no such command; /help lists them"


def test_an_engine_that_fails_loses_only_its_message(talk):
    ok, out, notes = talk("Hello there", "/history", reply=broken)
    assert not ok
    assert out == []
    [note] = notes
    assert re.fullmatch(r"error: fake: the engine is broken \(request [0-9a-f]{32}\)", note)
