"""The conversation at a real terminal: prompt, line editing, completion, Ctrl-C."""

import os
import pty
import select
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from graph.local.app import app_of
from tests.conftest import served
from tests.fakes import embedded_graph, predictors

SECONDS = 60
UP, END_OF_LINE, CTRL_C, CTRL_D, TAB = "\x1b[A", "\x05", "\x03", "\x04", "\t"


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, *command):
        self.screen, inside = pty.openpty()

        def log_in():
            # A shell's background job ignores Ctrl-C, and so would all that it starts.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            # A session of its own, with the terminal as stdin, stdout and stderr.
            os.login_tty(inside)

        self.process = subprocess.Popen(command, preexec_fn=log_in)
        os.close(inside)
        self.shown = ""

    def wait_for(self, text):
        """Reads on until `text` has come since the last wait."""
        while text not in self.shown:
            if not select.select([self.screen], [], [], SECONDS)[0]:
                pytest.fail(f"the command shows no {text!r}; it showed {self.shown!r}")
            try:
                self.shown += os.read(self.screen, 4096).decode(errors="replace")
            except OSError:
                pytest.fail(f"the command ended; it showed {self.shown!r}")
        _, _, self.shown = self.shown.partition(text)

    def type(self, keys):
        os.write(self.screen, keys if isinstance(keys, bytes) else keys.encode())

    def interrupt(self):
        """Ctrl-C once the command sleeps in its read of a key.

        A signal that comes after the prompt but before that sleep is handled with the next key:
        CPython's readline looks for signals where its `select` is interrupted.
        """
        child = psutil.Process(self.process.pid)
        while child.status() != psutil.STATUS_SLEEPING:
            os.sched_yield()
        self.type(CTRL_C)

    def close(self):
        os.close(self.screen)
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def url():
    with served(app_of(embedded_graph(predictors()))) as url:
        yield url


@pytest.fixture
def chat():
    """Starts a conversation with the graph at a URL, and waits for its first prompt."""
    terminals = []

    def start(url):
        terminals.append(Terminal(sys.executable, "-m", "graph.cli", "chat", "--url", url))
        terminals[-1].wait_for("/help lists the commands, /quit or Ctrl-D leaves.")
        terminals[-1].wait_for("you> ")
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_a_line_can_be_recalled_and_edited(chat, url):
    terminal = chat(url)
    terminal.type("Hello there\n")
    terminal.wait_for("[en] You said: Hello there")
    terminal.wait_for("you> ")
    terminal.type(f"{UP}{END_OF_LINE} again\n")
    terminal.wait_for("[en] You said: Hello there again")


@pytest.mark.parametrize("keys", ["/quit\n", CTRL_D])
def test_quit_and_ctrl_d_leave(chat, url, keys):
    terminal = chat(url)
    terminal.type(keys)
    assert terminal.process.wait(timeout=SECONDS) == 0


def test_ctrl_c_clears_a_half_written_line_and_says_at_an_empty_one_how_to_leave(chat, url):
    terminal = chat(url)
    terminal.type("nonsense that")
    terminal.wait_for("nonsense that")
    terminal.interrupt()
    terminal.wait_for("you> ")
    terminal.type("Hello there\n")
    terminal.wait_for("[en] You said: Hello there")
    terminal.wait_for("you> ")
    terminal.interrupt()
    terminal.wait_for("/quit or Ctrl-D leaves")
    terminal.wait_for("you> ")
    terminal.type("/quit\n")
    assert terminal.process.wait(timeout=SECONDS) == 0


def test_tab_completes_a_command(chat, url):
    terminal = chat(url)
    terminal.type(f"/orig{TAB}\n")
    terminal.wait_for("original: on")


def test_bytes_that_are_not_utf_8_lose_only_their_line(chat, url):
    terminal = chat(url)
    terminal.type(b"\xe9t\xe9 ok\n")
    terminal.wait_for("error: the line is not UTF-8 text; it was left out")
    terminal.wait_for("you> ")
    terminal.type("Hello there\n")
    terminal.wait_for("[en] You said: Hello there")


def test_ctrl_c_while_an_answer_is_awaited_drops_the_message_and_goes_on(chat):
    asked = threading.Semaphore(0)

    async def never(scope, receive, send):
        await receive()
        asked.release()
        while (await receive())["type"] != "http.disconnect":
            pass

    with served(never) as url:
        terminal = chat(url)
        for _ in range(2):
            terminal.type("Hello there\n")
            assert asked.acquire(timeout=SECONDS)
            terminal.interrupt()
            terminal.wait_for("stopped; the message was dropped")
            terminal.wait_for("you> ")
        terminal.type("/quit\n")
        assert terminal.process.wait(timeout=SECONDS) == 0
