"""A server of OpenAI's protocol that answers as a test says and records what it received."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Answers each POST with the next of `answers`: a status and a body, or an event to wait for
    before the one after it is given.

    asked: set by each POST.  ended: connections that answered a POST and are closed.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.received = []
        self.headers = []
        self.answers = []
        self.asked = threading.Event()
        self.ended: queue.Queue[int] = queue.Queue()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    # Connections are kept, as by the servers that this stands for.
    protocol_version = "HTTP/1.1"
    # A body in a second packet would wait for the first one to be acknowledged.
    wbufsize = -1
    posts = 0
    server: Server

    def finish(self):
        super().finish()
        if self.posts:
            self.server.ended.put(self.posts)

    def do_GET(self):
        self.reply(200, {"data": [{"id": "llama", "max_model_len": 8192}, {"id": "other"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, self.headers.get("Authorization"), body))
        self.server.headers.append(self.headers)
        self.posts += 1
        self.server.asked.set()
        answer = self.server.answers.pop(0)
        if isinstance(answer, threading.Event):
            answer.wait(30)
            answer = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.reply(*answer)

    def reply(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass
