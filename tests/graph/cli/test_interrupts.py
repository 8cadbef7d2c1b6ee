"""Ctrl-C and a full or closed stdout, with real processes and signals: quick, and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from graph.local.app import app_of
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.processes import started

SECONDS = 60
STORY = "Tell me a long story about a dragon and its castle."


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(app_of(embedded_graph(predictors()))) as url:
        yield url


def start(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "graph.cli", *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until_a_model_works(process: subprocess.Popen[str]) -> None:
    """Until the process has a connection to llama.cpp, which serves inside it."""
    seen = psutil.Process(process.pid)
    while not any(c.status == psutil.CONN_ESTABLISHED for c in seen.connections("tcp")):
        if process.poll() is not None:
            pytest.fail(f"the command ended: {process.communicate()}")
        os.sched_yield()


@pytest.mark.models
@pytest.mark.parametrize("command", ["ask", "chat"])
def test_ctrl_c_during_an_answer_ends_the_command_with_130(command: str) -> None:
    process = start("ask", STORY) if command == "ask" else start("chat")
    assert process.stdin is not None
    if command == "chat":
        process.stdin.write(f"{STORY}\n{STORY}\n")
        process.stdin.flush()
    wait_until_a_model_works(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err


def test_a_second_ctrl_c_ends_the_process_at_once() -> None:
    program = """
import sys, threading
from graph.cli.interrupts import interruptible
with interruptible():
    try:
        print("waits", file=sys.stderr, flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print("stops", file=sys.stderr, flush=True)
        threading.Event().wait()
"""
    with started("-c", program) as process:
        process.wait_for("waits")
        process.send(signal.SIGINT)
        process.wait_for("stops")
        process.send(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
        assert process.stderr == "waits\nstops\n"


@pytest.mark.parametrize("command", ["ask", "chat"])
def test_a_full_stdout_is_one_line(url: str, command: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    arguments = ["ask", "Hello"] if command == "ask" else ["chat"]
    process = start(*arguments, "--url", url, stdout=full)
    os.close(full)
    _, err = process.communicate("Hello\n", timeout=SECONDS)
    assert process.returncode == 1
    assert err == "parley: cannot write the answer: No space left on device\n"


def test_a_full_stdout_is_seen_also_where_the_output_is_small() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    process = start("--help", stdout=full)
    os.close(full)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert err == "parley: cannot write the answer: No space left on device\n"


def test_a_pipe_that_nobody_reads_ends_the_conversation_silently(url: str) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start("chat", "--url", url, stdout=write)
    os.close(write)
    _, err = process.communicate("Hello\nHello\n", timeout=SECONDS)
    assert (process.returncode, err) == (1, "")
