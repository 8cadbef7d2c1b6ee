"""`parley chat` at a real terminal (a pty): prompt, line editing, Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys

import psutil
import pytest

from graph.local.app import app_of
from tests.conftest import served
from tests.fakes import embedded_graph, predictors


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
            try:
                self.shown += os.read(self.screen, 4096).decode()
            except OSError:
                pytest.fail(f"the command ended; it showed {self.shown!r}")
        _, _, self.shown = self.shown.partition(text)

    def type(self, keys):
        os.write(self.screen, keys.encode())

    def wait_for_reading(self):
        """Until the command sleeps in its read of a key.

        A signal that comes after the prompt but before that sleep is handled with the next key:
        CPython's readline looks for signals where its `select` is interrupted.
        """
        child = psutil.Process(self.process.pid)
        while child.status() != psutil.STATUS_SLEEPING:
            os.sched_yield()

    def close(self):
        os.close(self.screen)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def terminal():
    with served(app_of(embedded_graph(predictors()))) as url:
        terminal = Terminal(sys.executable, "-m", "graph.cli.main", "chat", "--url", url)
        yield terminal
        terminal.close()


def test_a_line_can_be_recalled_and_ctrl_c_leaves_cleanly(terminal):
    terminal.wait_for("/help lists the commands, /quit leaves.")
    terminal.wait_for("you> ")
    terminal.type("Hello there\n")
    terminal.wait_for("[en] You said: Hello there")
    terminal.wait_for("you> ")
    up, end_of_line = "\x1b[A", "\x05"
    terminal.type(f"{up}{end_of_line} again\n")
    terminal.wait_for("[en] You said: Hello there again")
    terminal.wait_for("you> ")
    terminal.wait_for_reading()
    terminal.type("\x03")
    assert terminal.process.wait(timeout=60) == 0


def test_quit_leaves(terminal):
    terminal.wait_for("you> ")
    terminal.type("/quit\n")
    assert terminal.process.wait(timeout=60) == 0
