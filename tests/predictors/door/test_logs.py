"""What a process writes to its log: its form, the names in it, and no text of anybody."""

import io
import json
import logging
import subprocess

import httpx2
import pytest

from graph.errors import DeadlineExceeded, EngineError, NotReady, Overloaded, RequestError
from graph.local.app import app_of
from predictors.door.handler import Handler
from predictors.door.logs import WITHHELD, set_up_logging
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.predictors.door.waiting import Fails
from tests.predictors.test_serving import DETECTOR
from tests.processes import free_port

MARK = "zebraquux"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def log():
    """`log(...)` sets logging up on a stream; the root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    def set_up(level="debug", log_format="json", log_texts=False, stream=None):
        stream = stream or io.StringIO()
        set_up_logging(level, log_format, log_texts, stream)
        return stream

    yield set_up
    root.handlers, root.level = handlers, level


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("log_format", "stream", "as_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("console", io.StringIO, False),
    ],
)
def test_the_form_is_json_but_for_a_terminal(log, log_format, stream, as_json):
    written = log(log_format=log_format, stream=stream())
    logging.getLogger("predictors.x").warning("%s is ready", "chat")
    text = written.getvalue()
    assert "chat is ready" in text
    assert text.startswith('{"') == as_json


@pytest.mark.parametrize("name", ["uvicorn.error", "kserve", "predictors.door.handler", "asyncio"])
def test_every_logger_writes_the_same_form(log, name):
    written = log()
    # uvicorn adds its line a second time, with colours.
    logging.getLogger(name).warning("hello %s", "there", extra={"color_message": "\x1b[0m"})
    [line] = lines(written)
    assert (line["event"], line["level"], line["logger"]) == ("hello there", "warning", name)
    assert line["timestamp"].endswith("Z")
    assert set(line) == {"event", "level", "logger", "timestamp"}


def test_a_turn_is_found_by_its_name_in_the_lines_of_every_predictor(log):
    written = log("info")
    with served(app_of(embedded_graph(predictors()))) as url:
        turn = {"user_input": "Où est la gare ?", "language": "fr", "request_id": "turn-7"}
        assert httpx2.post(url, json=turn).status_code == 200
    found = [line["predictor"] for line in lines(written) if line.get("request_id") == "turn-7"]
    assert found == ["detector", "translate-fr-en", "chat", "translate-en-fr"]


def spoiled(text):
    raise RuntimeError(f"cannot read {text!r} on CUDA device 0")


def worded(text):
    raise EngineError(f"fake: refused {text}")


def nested(text):
    try:
        raise KeyError(text)
    except KeyError as err:
        raise EngineError("fake: failed") from ExceptionGroup(text, [err, ValueError(f"é{text}")])


ERRORS = [spoiled, worded, nested]
REQUESTS = [
    {"user_input": MARK},
    {"user_input": f"Was {MARK} ist, s'il vous plaît ?", "language": "fr"},
    {"user_input": "Hi", "history": [f"a {MARK}.", MARK.upper()]},
    {"user_input": "Hi", MARK: 1},
    {"user_input": "Hi", "language": MARK},
    {"user_input": f"{MARK} \x00"},
    {"user_input": MARK * 2_000},
    {"user_input": "Hi", "request_id": f"{MARK} ?"},
    {"user_input": MARK, "timeout": 0.001},
    {"instances": [{"user_input": MARK}, {"user_input": f"{MARK}\n\n  {MARK}."}]},
    {"instances": [{"user_input": MARK}, {MARK: MARK}]},
    {MARK: 1},
    [MARK],
    MARK,
]


@pytest.mark.parametrize("reply", ["You said: {}".format, *ERRORS])
def test_no_text_of_a_person_is_in_a_line_whatever_goes_wrong(log, reply):
    written = log()
    with served(app_of(embedded_graph(predictors(reply)))) as url:
        for request in REQUESTS:
            httpx2.post(url, json=request)
            for name in ("detector", "translate-fr-en", "chat", "translate-en-fr"):
                httpx2.post(f"{url}/v1/models/{name}:predict", json=request)
        httpx2.post(url, content=f'{{"user_input": "{MARK}"'.encode())
        httpx2.post(f"{url}/v1/models/chat:predict", content=b"\xff" + MARK.encode())
    text = written.getvalue()
    assert "answered" in text and "failed" in text
    assert MARK not in text.lower()


@pytest.mark.parametrize(
    "error",
    [
        EngineError(f"x: {MARK}"),
        Overloaded(f"x: {MARK}"),
        NotReady(f"x: {MARK}"),
        DeadlineExceeded(f"x: {MARK}"),
        RequestError("user_input", MARK),
        KeyError(MARK),
        OSError(f"{MARK}: no such file"),
    ],
)
async def test_no_error_of_a_predictor_brings_a_text_into_a_line(log, error):
    written = log()
    handler = Handler(Fails(error))
    handler.load()
    await handler.answer(json.dumps({"user_input": f"what is {MARK}?"}).encode())
    assert written.getvalue()
    assert MARK not in written.getvalue()


def test_the_rest_of_an_errors_words_is_there_for_who_looks_for_its_cause(log):
    written = log()
    with served(app_of(embedded_graph(predictors(spoiled)))) as url:
        httpx2.post(url, json={"user_input": MARK, "language": "en"})
    [failed] = [line for line in lines(written) if line["event"] == "chat: failed"]
    [said] = [e["exc_value"] for e in failed["exception"] if e["exc_type"] == "RuntimeError"]
    assert said == "cannot read '…' on CUDA device 0"
    assert any(frame["name"] == "spoiled" for e in failed["exception"] for frame in e["frames"])


def test_a_long_request_is_not_searched_for_its_words_while_others_wait(log):
    written = log()
    history = [f"{i} {MARK} " + "x" * 9_000 for i in range(10)]
    with served(app_of(embedded_graph(predictors(spoiled)))) as url:
        turn = {"user_input": MARK, "language": "en", "history": history}
        assert httpx2.post(url, json=turn).status_code == 500
    [failed] = [line for line in lines(written) if line["event"] == "chat: failed"]
    assert {error["exc_value"] for error in failed["exception"]} == {WITHHELD}
    assert MARK not in written.getvalue()


@pytest.mark.parametrize("name", ["asyncio", "uvicorn.error"])
def test_what_a_library_says_of_an_error_is_withheld(log, name):
    written = log()
    try:
        raise KeyError(MARK)
    except KeyError:
        logging.getLogger(name).exception(
            "Task failed\nfuture: <Task exception=KeyError('%s')>", MARK
        )
    assert MARK not in written.getvalue()
    assert lines(written)[0]["exception"][0]["exc_value"] == WITHHELD


def test_texts_are_logged_where_that_is_asked_for(log):
    written = log(log_texts=True)
    with served(app_of(embedded_graph(predictors()))) as url:
        httpx2.post(url, json={"user_input": MARK, "language": "en"})
    texts = [line["texts"] for line in lines(written) if "texts" in line]
    assert texts[-1] == [
        {
            "user_input": MARK,
            "user_input_en": MARK,
            "response_en": f"You said: {MARK}",
            "response": f"You said: {MARK}",
        }
    ]


def test_an_error_at_a_terminal_ends_with_its_own_line(log):
    written = log(stream=Terminal(), log_format="console")
    try:
        raise RuntimeError("no device")
    except RuntimeError:
        logging.getLogger("predictors.x").exception("the model is gone")
    assert written.getvalue().rstrip().endswith("RuntimeError: no device")


def test_a_process_writes_json_where_there_is_no_terminal():
    port = free_port()
    command = [*DETECTOR, "--model_name=detector", f"--http_port={port}", "--drain_delay=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        said = process.stderr
        assert said is not None
        read = [next(line for line in said if "is ready" in line)]
        for request in ({"user_input": MARK, "request_id": "turn-1"}, {MARK: MARK}):
            httpx2.post(f"http://127.0.0.1:{port}/v1/models/detector:predict", json=request)
        process.terminate()
        read += said.readlines()
    events = [json.loads(line) for line in read]
    assert [event["request_id"] for event in events if event["event"] == "detector: answered"] == [
        "turn-1"
    ]
    assert "stopped" in events[-1]["event"]
    assert MARK not in "".join(read)
