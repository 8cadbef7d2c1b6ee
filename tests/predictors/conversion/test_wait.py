"""`python -m predictors.conversion wait`: a pod that starts before the Job has ended waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from predictors.models.manifest import CONVERSION_VERSION, Manifest, write_manifest

REVISION = "0123456789abcdef0123456789abcdef01234567"
MODEL = f"hf:toy/marian@{REVISION}"
COMMAND = [sys.executable, "-m", "predictors.conversion", "wait"]


def place(cache: Path, name: str, quantization: str, loaders: str = CONVERSION_VERSION) -> Path:
    """A conversion as the Job places it: in one step, whole."""
    work = cache / "converted" / f".partial-{name}"
    work.mkdir(parents=True)
    settings = {"quantization": quantization, "loaders": loaders}
    write_manifest(work, Manifest("conversion", MODEL, {}, settings))
    return work.rename(work.with_name(name))


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, once it says that it waits for the int8 conversion."""
    command = [*COMMAND, "--quantizations=int8", MODEL]
    environ = {**os.environ, "PARLEY_MODELS": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"waiting for {MODEL} to be converted to int8\n"
        yield process
        process.kill()


def test_it_ends_when_the_conversion_is_there(
    waiting: subprocess.Popen[str], tmp_path: Path
) -> None:
    place(tmp_path, "float16", "float16")
    place(tmp_path, "old", "int8", loaders="0")
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=3)
    folder = place(tmp_path, "int8", "int8")
    out, _ = waiting.communicate(timeout=30)
    assert (waiting.returncode, out) == (0, f"{folder}\n")


def test_it_ends_at_once_when_the_pod_is_told_to_go(waiting: subprocess.Popen[str]) -> None:
    waiting.terminate()
    assert waiting.wait(timeout=10) == 128 + signal.SIGTERM


def test_the_environment_may_name_the_models(tmp_path: Path) -> None:
    folder = place(tmp_path, "int8", "int8")
    named = {"PARLEY_MODEL_CHAT": MODEL, "PARLEY_QUANTIZATIONS": "int8"}
    environ = {**os.environ, **named, "PARLEY_MODELS": str(tmp_path)}
    done = subprocess.run(COMMAND, env=environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{folder}\n")


def test_without_a_model_it_says_so() -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PARLEY_MODEL_")}
    done = subprocess.run(COMMAND, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "the following arguments are required: MODEL" in done.stderr
