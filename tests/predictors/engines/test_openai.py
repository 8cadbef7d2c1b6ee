"""The engine on another server, against a real HTTP server that records what it received."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from graph.errors import EngineError, ModelError, Overloaded
from predictors.chat.__main__ import build
from predictors.engine import Message, Sampling
from predictors.engines.openai import OpenAI


class Server(ThreadingHTTPServer):
    """Answers each POST with the next of `answers`: a status and a body."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.received = []
        self.answers = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200, {"data": [{"id": "llama", "max_model_len": 8192}, {"id": "other"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, self.headers.get("Authorization"), body))
        self.reply(*self.server.answers.pop(0))

    def reply(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def loaded(server, **options):
    engine = OpenAI(server.url, "llama", **options)
    engine.load()
    return engine


async def test_messages_and_texts_go_where_the_protocol_wants_them(server):
    engine = loaded(server, api_key="secret")
    assert (engine.info.context, engine.info.has_chat_template) == (8192, True)
    server.answers = [
        (200, {"choices": [{"message": {"content": "Hello."}}]}),
        (200, {"choices": [{"text": " Salut."}]}),
    ]
    sampling = Sampling(max_tokens=9, temperature=0.0, stop=("\n",))
    assert await engine.generate([(Message("user", "Hi"),)], sampling) == ["Hello."]
    assert await engine.generate(["English: Hi\nFrench:"], sampling) == [" Salut."]
    words = {"model": "llama", "max_tokens": 9, "temperature": 0.0, "stop": ["\n"]}
    assert server.received == [
        (
            "/v1/chat/completions",
            "Bearer secret",
            {**words, "messages": [{"role": "user", "content": "Hi"}]},
        ),
        ("/v1/completions", "Bearer secret", {**words, "prompt": "English: Hi\nFrench:"}),
    ]
    engine.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((429, {}), Overloaded),
        ((503, {}), Overloaded),
        ((500, {"error": "secret path"}), EngineError),
        ((200, b"<html>"), EngineError),
        ((200, {"choices": []}), EngineError),
        ((200, ["no object"]), EngineError),
    ],
)
async def test_a_bad_answer_is_an_error_that_tells_nothing_of_the_server(server, answer, error):
    engine = loaded(server)
    server.answers = [answer]
    with pytest.raises(error) as caught:
        await engine.generate(["Hi"], Sampling())
    assert "secret" not in str(caught.value)
    engine.close()


def test_a_server_or_a_model_that_is_not_there_is_named(server):
    with pytest.raises(ModelError, match="not at .*; there are llama, other"):
        OpenAI(server.url, "gpt").load()
    with pytest.raises(ModelError, match="does not list its models"):
        OpenAI("http://127.0.0.1:9/v1", "gpt").load()


async def test_a_chat_on_another_server_sends_the_key_of_the_environment(server):
    arguments = ["--model_name=chat", f"--model=openai:llama@{server.url}"]
    chat, _ = build(arguments, {"OPENAI_API_KEY": "secret"})
    chat.load()
    server.answers = [(200, {"choices": [{"message": {"content": "Hello."}}]})]
    [turn] = await chat.predict([{"user_input": "Hi"}])
    chat.close()
    assert turn["response"] == "Hello."
    assert [authorization for _, authorization, _ in server.received] == ["Bearer secret"]
