"""Conversions: made once, whole or not at all, refused when anything about a file is wrong."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from graph.errors import ModelError
from predictors.conversion.convert import convert
from predictors.models.manifest import check_folder, read_manifest
from predictors.models.resolve import resolve
from predictors.models.store import list_models, remove, verify

Maker = Callable[[str], Path]

CONVERT = (
    "import sys; from predictors.conversion.convert import convert; print(convert(*sys.argv[1:]))"
)


def test_a_conversion_is_found_again_and_a_changed_file_makes_a_new_one(
    checkpoint: Maker, tmp_path: Path
) -> None:
    source = shutil.copytree(checkpoint("marian"), tmp_path / "source")
    cache = str(tmp_path / "cache")
    first = convert(str(source), cache, "int8")
    inode = (first / "model.bin").stat().st_ino
    assert convert(str(source), cache, "int8") == first
    assert (first / "model.bin").stat().st_ino == inode
    assert convert(str(source), cache, "float32") != first
    generation = json.loads((source / "generation_config.json").read_text())
    (source / "generation_config.json").write_text(json.dumps({**generation, "num_beams": 2}))
    second = convert(str(source), cache, "int8")
    assert second != first
    described = read_manifest(second).model
    assert described is not None and described.generation["num_beams"] == 2
    # The server takes the conversion of what the folder holds now, int8 on a CPU.
    resolved = resolve(str(source), cache)
    assert (resolved.format, resolved.path) == ("ctranslate2", second)
    assert resolve(str(source), cache, engine="transformers").path == source


def test_the_manifest_names_source_settings_and_every_file(
    checkpoint: Maker, tmp_path: Path
) -> None:
    source = checkpoint("blenderbot")
    manifest = read_manifest(convert(str(source), str(tmp_path), "int8"))
    assert manifest.source == str(source)
    assert set(manifest.settings) >= {"content", "quantization", "torch", "transformers"}
    assert {"model.bin", "config.json", "tokenizer.json"} <= set(manifest.files)
    assert manifest.model is not None
    assert manifest.model.family == "blenderbot"
    assert manifest.model.positions == 128


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "model.bin").unlink(), "model.bin: missing"),
        (lambda folder: os.truncate(folder / "model.bin", 1000), "model.bin: 1000 bytes, not"),
        (lambda folder: flip(folder / "model.bin"), "model.bin: altered"),
        (lambda folder: flip(folder / "vocab.json"), "vocab.json: altered"),
        (lambda folder: (folder / "extra.py").write_text("x"), "extra.py: a foreign file"),
        (lambda folder: (folder / "parley.json").unlink(), "parley.json is missing"),
        (lambda folder: (folder / "parley.json").write_text("{"), "parley.json: not JSON"),
    ],
)
def test_a_damaged_conversion_is_refused_by_the_name_of_the_file(
    damage: Callable[[Path], object],
    problem: str,
    checkpoint: Maker,
    converted: Callable[..., Path],
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(converted(checkpoint("marian")), tmp_path / "model")
    assert resolve(str(folder), str(tmp_path / "cache")).format == "ctranslate2"
    damage(folder)
    with pytest.raises(ModelError) as caught:
        resolve(str(folder), str(tmp_path / "cache"))
    assert problem in str(caught.value)


def test_converting_again_repairs_a_damaged_conversion(checkpoint: Maker, tmp_path: Path) -> None:
    source = str(checkpoint("marian"))
    folder = convert(source, str(tmp_path))
    (folder / "parley.json").write_text("{")
    assert convert(source, str(tmp_path)) == folder
    flip(folder / "model.bin")
    assert convert(source, str(tmp_path)) == folder
    check_folder(folder, read_manifest(folder))


def flip(path: Path) -> None:
    """Turn one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_weights_cut_short_are_refused_before_they_are_loaded(
    checkpoint: Maker, tmp_path: Path
) -> None:
    source = shutil.copytree(checkpoint("marian"), tmp_path / "source")
    os.truncate(source / "model.safetensors", 10_000)
    for act in (convert, resolve):
        with pytest.raises(ModelError, match="model.safetensors: 10000 bytes, not"):
            act(str(source), str(tmp_path / "cache"))


def with_pickle(source: Path, target: Path) -> Path:
    """The checkpoint with its weights as a pickle, as old repositories have them."""
    from safetensors.torch import load_file

    shutil.copytree(source, target)
    torch.save(load_file(target / "model.safetensors"), target / "pytorch_model.bin")
    (target / "model.safetensors").unlink()
    return target


def test_a_pickle_is_converted_to_the_same_weights_and_never_served(
    checkpoint: Maker, converted: Callable[..., Path], tmp_path: Path
) -> None:
    source = with_pickle(checkpoint("marian"), tmp_path / "source")
    with pytest.raises(ModelError, match="pytorch_model.bin: a pickle"):
        resolve(str(source), str(tmp_path / "cache"))
    folder = convert(str(source), str(tmp_path / "cache"), "float32")
    same = converted(checkpoint("marian"))
    assert (folder / "model.bin").read_bytes() == (same / "model.bin").read_bytes()
    assert resolve(str(source), str(tmp_path / "cache")).path == folder


class Malice:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(
    checkpoint: Maker, tmp_path: Path
) -> None:
    source = with_pickle(checkpoint("marian"), tmp_path / "source")
    torch.save({"weight": Malice(tmp_path / "run")}, source / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pytorch_model.bin"):
        convert(str(source), str(tmp_path / "cache"))
    assert not (tmp_path / "run").exists()


def test_a_weight_that_is_not_there_is_not_made_up(checkpoint: Maker, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    source = shutil.copytree(checkpoint("marian"), tmp_path / "source")
    weights = load_file(source / "model.safetensors")
    del weights["model.decoder.layers.1.fc1.weight"]
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="layers.1.fc1.weight"):
        convert(str(source), str(tmp_path / "cache"))


def test_a_setting_that_cannot_be_carried_over_is_refused_by_name(
    checkpoint: Maker, tmp_path: Path
) -> None:
    source = shutil.copytree(checkpoint("blenderbot"), tmp_path / "source")
    path = source / "generation_config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "repetition_penalty": 1.3}))
    with pytest.raises(ModelError, match="repetition_penalty=1.3 with beams"):
        convert(str(source), str(tmp_path / "cache"))
    path.write_text(json.dumps({**settings, "begin_suppress_tokens": [5]}))
    with pytest.raises(ModelError, match="begin_suppress_tokens"):
        convert(str(source), str(tmp_path / "cache"))
    assert not list((tmp_path / "cache" / "converted").glob("[!.]*"))


def test_two_processes_convert_once(checkpoint: Maker, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", CONVERT, str(checkpoint("marian"))]
    started = [
        subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = {process.communicate(timeout=300)[0] for process in started}
    assert len(outputs) == 1
    [folder] = (tmp_path / "converted").iterdir()
    assert outputs == {f"{folder}\n"}


@pytest.mark.slow
def test_a_killed_conversion_leaves_nothing_wrong(checkpoint: Maker, tmp_path: Path) -> None:
    """Twenty processes are killed, each at a random point from its first write to its last."""
    source = str(checkpoint("marian"))
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKING, source, str(tmp_path / "warm")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    given, said = worker.stdin, worker.stdout
    assert given is not None and said is not None
    dice = random.Random(3)

    def run(cache: Path, kill_after: float) -> bool:
        given.write(f"{cache} {kill_after}\n")
        given.flush()
        return said.readline() == "killed\n"

    assert said.readline() == "ready\n"
    started = time.monotonic()
    assert not run(tmp_path / "timed", 600.0)
    whole = time.monotonic() - started
    cache = tmp_path / "cache"
    killed = 0
    for _ in range(20):
        killed += run(cache, dice.uniform(0.0, whole))
        for folder in (cache / "converted").glob("[!.]*"):
            check_folder(folder, read_manifest(folder))
            remove(source, str(cache))
    assert killed >= 5, "too few were killed at work to prove anything"
    assert not run(cache, 600.0)
    [folder] = (cache / "converted").iterdir()
    check_folder(folder, read_manifest(folder))
    worker.communicate(timeout=60)
    assert worker.returncode == 0


# Imports all by one conversion, then converts in a forked child for each line, which it kills.
FORKING = """
import os, signal, sys, threading
import torch
from predictors.conversion.convert import convert
torch.set_num_threads(1)
convert(sys.argv[1], sys.argv[2], "float32")
print("ready", flush=True)
for line in sys.stdin:
    cache, seconds = line.split()
    child = os.fork()
    if child == 0:
        convert(sys.argv[1], cache, "float32")
        os._exit(0)
    timer = threading.Timer(float(seconds), os.kill, (child, signal.SIGKILL))
    timer.start()
    _, status = os.waitpid(child, 0)
    timer.cancel()
    print("killed" if os.WIFSIGNALED(status) else "done", flush=True)
"""


def test_list_verify_and_rm_know_a_conversion(checkpoint: Maker, tmp_path: Path) -> None:
    source, cache = str(checkpoint("marian")), str(tmp_path)
    folder = convert(source, cache, "int8")
    assert (source, "int8") in [(entry.model, entry.state) for entry in list_models(cache)[1]]
    assert verify(source, cache) == [source]
    flip(folder / "model.bin")
    with pytest.raises(ModelError, match="model.bin: altered"):
        verify(source, cache)
    assert remove(source, cache) == [folder]
    assert not folder.exists() and Path(source).exists()
    with pytest.raises(ModelError, match="nothing of it is in"):
        remove(source, cache)


def test_python_m_predictors_conversion_fills_the_cache(checkpoint: Maker, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "predictors.conversion", "pull"]
    environ = {**os.environ, "PARLEY_MODELS": str(tmp_path)}
    done = subprocess.run(
        [*command, str(checkpoint("marian"))], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names = sorted(path.name.split("-")[1] for path in (tmp_path / "converted").iterdir())
    assert names == ["float16", "int8"]
    done = subprocess.run(
        [*command, "hf:x@y"],
        env={**environ, "HF_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("predictors.conversion: model hf:x@y: cannot be pulled: ")
    assert done.stderr.count("\n") == 1
