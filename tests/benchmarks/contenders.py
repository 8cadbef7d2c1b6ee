"""Every system that is measured, with the command that starts it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.stubs import ROUTER_PORT
from tests.benchmarks.systems import System
from tests.benchmarks.weights.searches import LENGTHS, beams_of
from tests.benchmarks.weights.store import Weights

ROOT = Path(__file__).parents[2]
# Every system has a network of its own, so all may have the same port.
PORT = 18080
PARLEY = "Parley"
ENGINES = "Parley's engines alone"
RAY = "Ray Serve"
RAY_ON_LOOP = "Ray Serve, RUN_SYNC_IN_THREADPOOL=0"
TRANSFORMERS = "transformers alone, one after the other"
BENTOML, LITSERVE, ARGOS = "BentoML", "LitServe", "argostranslate"
HUGGING_FACE = "KServe's Hugging Face server"
LOCAL = "Parley's local router"
CLUSTER = "KServe's Go router, four pods' servers"
RAY_TUNED = "Ray Serve, tuned"
# The models of manifests/cpu.yaml, by family.
_IDS = {"marian": "opus-mt-fr-en", "t5": "t5-small", "blenderbot": "blenderbot-400M-distill"}
TURN = ("marian", "blenderbot", "t5")


@dataclass(frozen=True)
class Pythons:
    """torch: an environment with torch and Parley.  peers: by name of their requirements."""

    torch: Path
    peers: dict[str, Path]


def parley(weights: Weights, search: str, folder: Path) -> System:
    """`parley serve` with the graph that manifests/cpu.yaml gives; `folder` takes its file."""
    text = (ROOT / "manifests" / "cpu.yaml").read_text()
    for family, name in _IDS.items():
        found = weights.converted[search][family]
        text, count = re.subn(rf"--model=hf:\S+/{name}@\w+", f"--model={found}", text)
        assert count, f"manifests/cpu.yaml: no --model that names {name}"
    file = folder / f"{weights.size}-{search}.yaml"
    file.write_text(text)
    command = (sys.executable, "-m", "graph.cli", "serve", "--port", str(PORT), str(file))
    environ = {"PARLEY_MODELS": weights.models}
    return System(PARLEY, command, PORT, ready="/readyz", environ=environ)


def engines(weights: Weights, search: str, families: Sequence[str] = TURN) -> System:
    found = weights.converted[search]
    return _program(ENGINES, sys.executable, "tests.benchmarks.engines_alone", found, families)


def transformers(
    weights: Weights, search: str, pythons: Pythons, families: Sequence[str] = TURN
) -> System:
    module = "tests.benchmarks.peers.transformers_alone"
    return _program(TRANSFORMERS, str(pythons.torch), module, weights.sources[search], families)


def _program(
    name: str, python: str, module: str, folders: Mapping[str, str], families: Sequence[str]
) -> System:
    arguments = [f"{family}={folders[family]}" for family in families]
    return System(name, (python, "-m", module, *arguments))


def ray(weights: Weights, search: str, pythons: Pythons, threads: bool = True) -> System:
    """threads: whether it runs methods that block in threads, as it does by default."""
    source = weights.sources[search]
    command = (
        *(str(pythons.peers["ray"]), "-m", "tests.benchmarks.peers.ray_chat"),
        *("--port", str(PORT), "--chat", source["blenderbot"]),
        *("--to-english", source["marian"], "--from-english", source["t5"]),
    )
    environ = {} if threads else {"RAY_SERVE_RUN_SYNC_IN_THREADPOOL": "0"}
    return System(RAY if threads else RAY_ON_LOOP, command, PORT, environ=environ)


def translator(weights: Weights, search: str) -> System:
    """One predictor of Parley alone, on the model that the other servers have."""
    options = {
        "model_name": "it",
        "source": "fr",
        "target": "en",
        "model": weights.converted[search]["marian"],
        "http_port": str(PORT),
        "host": "127.0.0.1",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = (sys.executable, "-m", "predictors.translator", *arguments)
    model = "/v1/models/it"
    environ = {"PARLEY_MODELS": weights.models}
    return System(PARLEY, command, PORT, f"{model}:predict", model, environ)


def bentoml(weights: Weights, search: str, pythons: Pythons) -> System:
    service = "tests.benchmarks.peers.bentoml_translator:Translator"
    options = ("--host", "127.0.0.1", "--port", str(PORT))
    command = (str(pythons.peers["bentoml"]), "-m", "bentoml", "serve", service, *options)
    environ = {"BENCH_MODEL": weights.sources[search]["marian"]}
    return System(BENTOML, command, PORT, "/predict", "/readyz", environ)


def litserve(weights: Weights, search: str, pythons: Pythons) -> System:
    module = "tests.benchmarks.peers.litserve_translator"
    command = (str(pythons.peers["litserve"]), "-m", module, str(PORT))
    environ = {"BENCH_MODEL": weights.sources[search]["marian"]}
    return System(LITSERVE, command, PORT, "/predict", "/health", environ)


def argos(weights: Weights, search: str, pythons: Pythons) -> System:
    """With its own defaults: one worker, and as many threads as there are CPUs."""
    program = str(ROOT / "tests" / "benchmarks" / "peers" / "argos_translator.py")
    arguments = (str(PORT), weights.converted[search]["marian"], str(LENGTHS["marian"]))
    environ = {"ARGOS_BEAM_SIZE": str(beams_of("marian", search))}
    return System(ARGOS, (str(pythons.peers["argos"]), program, *arguments), PORT, environ=environ)


def local_stubs() -> System:
    command = (sys.executable, "-m", "tests.benchmarks.stubs", "local", str(PORT))
    return System(LOCAL, command, PORT, ready="/readyz")


def cluster_stubs(router: Path) -> System:
    """router: KServe's own, built."""
    command = (sys.executable, "-m", "tests.benchmarks.stubs", "cluster", str(router), str(PORT))
    return System(CLUSTER, command, ROUTER_PORT, ready="/readyz")


def ray_stubs(pythons: Pythons, tuned: bool) -> System:
    """tuned: as Ray's guide to high throughput says."""
    module = "tests.benchmarks.peers.ray_stubs"
    command = (str(pythons.peers["ray"]), "-m", module, str(PORT))
    if not tuned:
        return System(RAY, command, PORT)
    environ = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
    return System(RAY_TUNED, (*command, "100"), PORT, environ=environ)
