"""Every system that is measured, with the command that starts it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.stubs import ROUTER_PORT
from tests.benchmarks.systems import ROOT, System
from tests.benchmarks.weights.searches import LENGTHS, beams_of
from tests.benchmarks.weights.store import Weights

# Every system has a network of its own, so all may have the same port.
PORT = 18080
# What rows call a system, by its key.
NAMES = {
    "parley": "Parley",
    "engines": "Parley's engines alone",
    "engines-english": "Parley's chat engine alone",
    "ray": "Ray Serve",
    "ray-on-loop": "Ray Serve, RUN_SYNC_IN_THREADPOOL=0",
    "transformers": "transformers alone, one after the other",
    "detector": "Parley's detector",
    "translator": "Parley's translator",
    "chat": "Parley's chat predictor",
    "bentoml": "BentoML",
    "litserve": "LitServe",
    "argos": "argostranslate (LibreTranslate)",
    "local-stubs": "Parley's local router",
    "cluster-stubs": "KServe's Go router, four predictors",
    "ray-stubs": "Ray Serve, four deployments",
    "ray-stubs-tuned": "Ray Serve, four deployments, tuned",
}
# The environment that a system runs in, where it is not this one.
PEER_OF = {
    "ray": "ray",
    "ray-on-loop": "ray",
    "ray-stubs": "ray",
    "ray-stubs-tuned": "ray",
    "bentoml": "bentoml",
    "litserve": "litserve",
    "argos": "argos",
}
# Those that need nothing but what is installed here.
OWN = tuple(key for key in NAMES if key not in PEER_OF)
# The models of manifests/cpu.yaml, by family.
_IDS = {"marian": "opus-mt-fr-en", "t5": "t5-small", "blenderbot": "blenderbot-400M-distill"}
TURN = ("marian", "blenderbot", "t5")


@dataclass(frozen=True)
class Given:
    """peers: Pythons by the names of their requirements.  router: KServe's own, built, or empty.

    folder: takes files that systems read.
    """

    weights: Weights
    peers: Mapping[str, Path]
    router: str
    folder: Path


def system_of(key: str, search: str, given: Given) -> System:
    """The system of a row. Parley's own run in the tree that stands after an @, or in this one."""
    kind, _, tree = key.partition("@")
    made = _MAKERS[kind](given, search, Path(tree) if tree else ROOT)
    return replace(made, name=name_of(key))


def name_of(key: str) -> str:
    kind, _, tree = key.partition("@")
    return NAMES[kind] + (f" ({Path(tree).name})" if tree else "")


def _parley(given: Given, search: str, tree: Path) -> System:
    """`parley serve` with the graph that manifests/cpu.yaml gives."""
    text = (tree / "manifests" / "cpu.yaml").read_text()
    for family, name in _IDS.items():
        found = given.weights.converted[search][family]
        text, count = re.subn(rf"--model=hf:\S+/{name}@\w+", f"--model={found}", text)
        assert count, f"manifests/cpu.yaml: no --model that names {name}"
    file = given.folder / f"{tree.name}-{search}.yaml"
    file.write_text(text)
    module = ("graph.cli", "serve", "--port", str(PORT), str(file))
    return _own(given, tree, module, ready="/readyz")


def _own(
    given: Given, tree: Path, module: Sequence[str], path: str = "/", ready: str = "/"
) -> System:
    """A program of Parley's, from a working tree, of which the bench need not be a part."""
    environ = {"PARLEY_MODELS": given.weights.models, "PYTHONPATH": f"{tree}:{ROOT}"}
    command = (sys.executable, "-m", *module)
    return System("", command, PORT, path, ready, environ, folder=str(tree))


def _engines(given: Given, search: str, tree: Path, families: Sequence[str] = TURN) -> System:
    folders = given.weights.converted[search]
    module = ("tests.benchmarks.engines_alone", *_named(folders, families))
    return replace(_own(given, tree, module), port=0)


def _chat_engine(given: Given, search: str, tree: Path) -> System:
    return _engines(given, search, tree, ("blenderbot",))


def _transformers(given: Given, search: str, _: Path) -> System:
    module = "tests.benchmarks.peers.transformers_alone"
    folders = _named(given.weights.sources[search], TURN)
    return System("", (sys.executable, "-m", module, *folders))


def _named(folders: Mapping[str, str], families: Sequence[str]) -> list[str]:
    return [f"{family}={folders[family]}" for family in families]


def _ray(given: Given, search: str, _: Path) -> System:
    source = given.weights.sources[search]
    command = (
        *(str(given.peers["ray"]), "-m", "tests.benchmarks.peers.ray_chat"),
        *("--port", str(PORT), "--chat", source["blenderbot"]),
        *("--to-english", source["marian"], "--from-english", source["t5"]),
    )
    return System("", command, PORT)


def _ray_on_loop(given: Given, search: str, tree: Path) -> System:
    """Methods that block run on the loop of their replica, not in threads as by default."""
    environ = {"RAY_SERVE_RUN_SYNC_IN_THREADPOOL": "0"}
    return replace(_ray(given, search, tree), environ=environ)


def _predictor(given: Given, tree: Path, kind: str, **options: str) -> System:
    options |= {"model_name": "it", "http_port": str(PORT), "host": "127.0.0.1"}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    model = "/v1/models/it"
    return _own(given, tree, (f"predictors.{kind}", *arguments), f"{model}:predict", model)


def _translator(given: Given, search: str, tree: Path) -> System:
    """On the model that the other servers of one model have."""
    model = given.weights.converted[search]["marian"]
    return _predictor(given, tree, "translator", source="fr", target="en", model=model)


def _chat(given: Given, search: str, tree: Path) -> System:
    return _predictor(given, tree, "chat", model=given.weights.converted[search]["blenderbot"])


def _detector(given: Given, _: str, tree: Path) -> System:
    return _predictor(given, tree, "detector", languages="en,fr")


def _bentoml(given: Given, search: str, _: Path) -> System:
    service = "tests.benchmarks.peers.bentoml_translator:Translator"
    options = ("--host", "127.0.0.1", "--port", str(PORT))
    command = (str(given.peers["bentoml"]), "-m", "bentoml", "serve", service, *options)
    environ = {"BENCH_MODEL": given.weights.sources[search]["marian"]}
    return System("", command, PORT, "/predict", "/readyz", environ)


def _litserve(given: Given, search: str, _: Path) -> System:
    module = "tests.benchmarks.peers.litserve_translator"
    command = (str(given.peers["litserve"]), "-m", module, str(PORT))
    environ = {"BENCH_MODEL": given.weights.sources[search]["marian"]}
    return System("", command, PORT, "/predict", "/health", environ)


def _argos(given: Given, search: str, _: Path) -> System:
    """With its own defaults: one worker, and as many threads as there are CPUs."""
    program = str(ROOT / "tests" / "benchmarks" / "peers" / "argos_translator.py")
    model = given.weights.converted[search]["marian"]
    command = (str(given.peers["argos"]), program, str(PORT), model, str(LENGTHS["marian"]))
    environ = {"ARGOS_BEAM_SIZE": str(beams_of("marian", search))}
    return System("", command, PORT, environ=environ)


def _local_stubs(given: Given, _: str, tree: Path) -> System:
    return _own(given, tree, ("tests.benchmarks.stubs", "local", str(PORT)), ready="/readyz")


def _cluster_stubs(given: Given, _: str, tree: Path) -> System:
    module = ("tests.benchmarks.stubs", "cluster", given.router, str(PORT))
    return replace(_own(given, tree, module, ready="/readyz"), port=ROUTER_PORT)


def _ray_stubs(given: Given, *_: object) -> System:
    module = "tests.benchmarks.peers.ray_stubs"
    return System("", (str(given.peers["ray"]), "-m", module, str(PORT)), PORT)


def _ray_stubs_tuned(given: Given, *_: object) -> System:
    """As Ray's guide to high throughput says."""
    plain = _ray_stubs(given)
    environ = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
    return replace(plain, command=(*plain.command, "100"), environ=environ)


_MAKERS: Mapping[str, Callable[[Given, str, Path], System]] = {
    "parley": _parley,
    "engines": _engines,
    "engines-english": _chat_engine,
    "ray": _ray,
    "ray-on-loop": _ray_on_loop,
    "transformers": _transformers,
    "detector": _detector,
    "translator": _translator,
    "chat": _chat,
    "bentoml": _bentoml,
    "litserve": _litserve,
    "argos": _argos,
    "local-stubs": _local_stubs,
    "cluster-stubs": _cluster_stubs,
    "ray-stubs": _ray_stubs,
    "ray-stubs-tuned": _ray_stubs_tuned,
}
