"""The command line, as a person or a script uses it: output, errors, exit codes."""

import json
import subprocess
import sys
import time

import pytest

from graph.cli.main import main
from graph.local.app import app_of
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.graph.calling.test_retries import Script, busy


@pytest.fixture(scope="module")
def url():
    with served(app_of(embedded_graph(predictors()))) as url:
        yield url


def parley(*arguments, stdin=""):
    return subprocess.run(
        [sys.executable, "-m", "graph.cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_ask_prints_the_answer_and_nothing_else(url, capsys):
    assert main(["ask", "Hello there", "--url", url]) == 0
    assert capsys.readouterr() == ("You said: Hello there\n", "")


@pytest.mark.parametrize("output", ["text", "json"])
def test_ask_says_in_words_that_there_is_no_answer_and_fails(capsys, output):
    with served(app_of(embedded_graph(predictors(lambda text: "")))) as url:
        assert main(["ask", "Hello there", "--url", url, "-o", output]) == 1
    out, notes = capsys.readouterr()
    assert (json.loads(out)["response"] if output == "json" else out) == ""
    assert notes.splitlines() == [
        "parley: There is no answer.",
        "parley: The model of chat gave no answer, twice.",
    ]


def test_ask_gives_the_turn_its_seconds(url, capsys):
    before = time.time()
    assert main(["ask", "Hello there", "--url", url, "-o", "json", "--timeout", "20"]) == 0
    assert before + 19 < json.loads(capsys.readouterr().out)["deadline"] < time.time() + 21


@pytest.mark.parametrize(("options", "times"), [((), 3), (("--retries", "0"), 1)])
def test_ask_sends_a_message_again_that_was_refused_whole(serve_app, capsys, options, times):
    script = Script(busy())
    assert main(["ask", "Hello", "--url", serve_app(script), *options]) == 3
    assert len(script.turns) == times
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"parley: chat: full (request {script.turns[0]['request_id']})"


@pytest.mark.parametrize(
    "options", [("--timeout", "0"), ("--timeout", "3601"), ("--retries", "-1")]
)
def test_times_and_retries_that_cannot_be_are_wrong_usage(url, options):
    assert main(["ask", "Hello", "--url", url, *options]) == 2


def test_ask_prints_the_prediction_as_the_graph_returned_it(url, capsys, tmp_path):
    history = tmp_path / "history.json"
    history.write_text('["hi", "hello"]')
    code = main(
        ["ask", "Hello", "--url", url, "-o", "json", "--history", str(history), "--language", "fr"]
    )
    assert code == 0
    turn = json.loads(capsys.readouterr().out)
    assert turn["language"] == "fr"
    assert turn["history"][:2] == ["hi", "hello"]
    assert len(turn["history"]) == 4


def test_a_pipe_is_a_conversation(url):
    result = parley("chat", "--url", url, stdin="Hello there\n\nAu revoir, à demain !\n/history\n")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "[en] You said: Hello there",
        "[fr] fr:You said: en:Au revoir, à demain !",
        "you: Hello there",
        "answer: You said: Hello there",
        "you: en:Au revoir, à demain !",
        "answer: You said: en:Au revoir, à demain !",
    ]


def test_a_pipe_with_a_message_that_fails_goes_on_and_ends_with_1(url):
    result = parley("chat", "--url", url, stdin=f"{'x' * 10_001}\nHello there\n")
    assert result.returncode == 1
    assert result.stdout == "[en] You said: Hello there\n"
    assert result.stderr == "error: message: 10001 characters, at most 10000 are taken\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask", "Hello", "--url", "http://127.0.0.1:1"], 3, "is it running?"),
        (["chat", "--url", "http://127.0.0.1:1"], 3, "is it running?"),
        (["ask", "Hello", "--file", "none.yaml"], 2, "none.yaml: No such file"),
        (["serve", "none.yaml"], 2, "none.yaml: No such file"),
        (["ask", "Hello", "--history", "none.json", "--url", "http://x"], 2, "none.json"),
        (["ask"], 2, "Missing argument"),
        (["ask", "Hello", "--output", "xml"], 2, "xml"),
        (["chat", "a.yaml", "--url", "http://x"], 2, "give one of"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_errors_are_clear_and_have_exit_codes(arguments, code, words):
    result = parley(*arguments, stdin="Hello\n")
    assert result.returncode == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_refusal_of_the_server_is_one_line_and_exit_code_1(url, capsys):
    assert main(["ask", "Hallo", "--url", url, "--language", "de"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ("parley: language: 'de' is not served; served are en, fr\n")


@pytest.mark.parametrize("command", [[], ["chat"], ["ask"], ["serve"]])
def test_help_is_there(command):
    result = parley(*command, "--help")
    assert result.returncode == 0
    assert "Usage: parley" in result.stdout
