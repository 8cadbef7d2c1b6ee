"""Makes the engine for a model: chosen by the option `engine`, else by the format of its weights.

An engine's module is imported when it is chosen, so that an image holds only what its engine needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec

from graph.errors import ModelError
from predictors.door.health import WatchedEngine
from predictors.engine import Engine
from predictors.models.manifest import read_description
from predictors.models.resolve import ResolvedModel, gpus, resolve
from predictors.progress import Progress, show_nothing
from predictors.scheduling.cores import Cores
from predictors.scheduling.cpu import cpu_limit, has_int8_products
from predictors.settings import ModelSettings
from predictors.sharing import Shared

# The engines that read a format, the first one unless there is a reason for another.
ENGINES_OF_FORMAT = {
    "gguf": ("llamacpp",),
    "ctranslate2": ("ctranslate2", "openvino"),
    "transformers": ("transformers",),
    "openai": ("openai",),
}


@dataclass(frozen=True)
class Wanted:
    """A model and how it shall run.

    context: tokens a request.  cores: those of the whole process.  users: predictors that have it.
    """

    model: ResolvedModel
    settings: ModelSettings
    context: int
    environ: Mapping[str, str]
    cores: Cores | None = None
    users: int = 1

    def threads(self) -> int:
        """CPU threads as the options say, else as many as the container may keep busy."""
        return self.settings.threads or cpu_limit()


def choose_engine(
    settings: ModelSettings,
    environ: Mapping[str, str],
    *,
    context: int = 2048,
    progress: Progress = show_nothing,
    shared: Shared | None = None,
) -> Engine:
    """The engine for `settings.model`, not yet loaded; `context` tokens are wanted a request.

    shared: what it shares with the other models of the process, by default nothing. Those that are
    the same and shall run in the same way have one engine, whose options hold for all together.

    Raises ModelError: weights that are missing or damaged, an engine that cannot read them or whose
    package is not installed.
    """
    resolved = resolve(
        settings.model,
        settings.models,
        progress,
        environ,
        engine=settings.engine,
        device=settings.device,
    )
    able = ENGINES_OF_FORMAT[resolved.format]
    name = _best_engine(resolved, settings) if settings.engine == "auto" else settings.engine
    if name not in able:
        raise ModelError(
            f"--engine {name}: cannot read {resolved.name}, whose format is {resolved.format}; "
            f"use {' or '.join(able)}"
        )
    _check_installed(name, resolved)
    wanted = Wanted(resolved, settings, context, environ, shared.cores if shared else None)
    # Another server's model has no weights here.
    if shared is None or name == "openai":
        return WatchedEngine(_MAKERS[name](wanted))
    options = (settings.device, settings.threads, settings.parallel)
    # Only among predictors of a kind: a chat that streams would hold the slot that the translator
    # of its sentences waits for.
    same = (type(settings), name, resolved.name, resolved.path, options)

    def make(most: int, users: int) -> Engine:
        return _MAKERS[name](replace(wanted, context=most, users=users))

    # Each predictor watches for itself, for it may ask of the model what no other does.
    return WatchedEngine(shared.engines.one(same, make, model=resolved.name, context=context))


def _best_engine(resolved: ResolvedModel, settings: ModelSettings) -> str:
    """OpenVINO is faster for the models that it runs, on the processors where that was measured."""
    is_for_cpu = settings.device == "cpu" or (settings.device == "auto" and not gpus())
    if (
        resolved.format == "ctranslate2"
        and find_spec("openvino") is not None
        and is_for_cpu
        and has_int8_products()
        and read_description(resolved.path).is_encoder_decoder
    ):
        return "openvino"
    return ENGINES_OF_FORMAT[resolved.format][0]


def _make_llamacpp(wanted: Wanted) -> Engine:
    from predictors.engines.llamacpp import LlamaCpp

    return LlamaCpp(
        wanted.model.path,
        wanted.model.name,
        threads=wanted.settings.threads or default_threads(cpu_limit()),
        parallel=wanted.settings.parallel,
        users=wanted.users,
        context=wanted.context,
        gpu_layers=0 if wanted.settings.device == "cpu" else -1,
        cores=wanted.cores,
    )


def default_threads(cpus: int) -> int:
    """Half of the CPUs, at least one, for an engine whose threads wait for each other by spinning.

    With as many threads as CPUs, one that is preempted holds up all: with other processes at work
    on a machine of 2 CPUs, 60 tokens of SmolLM2-135M took 2.4 s on one thread, 27 to 54 s on two.
    """
    return max(1, cpus // 2)


def _make_ctranslate2(wanted: Wanted) -> Engine:
    from predictors.engines.ctranslate2 import CTranslate2

    return CTranslate2(
        wanted.model.path,
        wanted.model.name,
        threads=wanted.threads(),
        device=wanted.settings.device,
        context=wanted.context,
        cores=wanted.cores,
    )


def _make_openvino(wanted: Wanted) -> Engine:
    if wanted.settings.device == "cuda":
        raise ModelError(
            "--engine openvino: runs on CPUs only; use --engine=ctranslate2 or --device=cpu"
        )
    from predictors.engines.openvino import OpenVINO

    return OpenVINO(
        wanted.model.path, wanted.model.name, threads=wanted.threads(), cores=wanted.cores
    )


def _make_transformers(wanted: Wanted) -> Engine:
    from predictors.engines.transformers import Transformers

    return Transformers(
        wanted.model.path,
        wanted.model.name,
        threads=wanted.threads(),
        device=wanted.settings.device,
        context=wanted.context,
        cores=wanted.cores,
    )


def _make_openai(wanted: Wanted) -> Engine:
    from predictors.engines.openai import OpenAI

    reference = wanted.model.reference
    # The name that OpenAI's own clients read; a secret is no argument, which `ps` would show.
    key = wanted.environ.get("OPENAI_API_KEY", "")
    return OpenAI(reference.url, reference.name, parallel=wanted.settings.parallel, api_key=key)


def _check_installed(engine: str, model: ResolvedModel) -> None:
    lacking = [package for package in _PACKAGES[engine] if find_spec(package) is None]
    if lacking and engine == "transformers":
        raise ModelError(
            f"{model.name}: not converted yet, so only the engine transformers reads it, "
            f"which is not installed here; run: parley models convert {model.reference}"
        )
    if lacking:
        raise ModelError(
            f"{model.name}: needs the Python package {lacking[0]}, which is not installed here"
        )


_PACKAGES = {
    "ctranslate2": ("ctranslate2",),
    "llamacpp": ("xllamacpp",),
    "openai": (),
    "openvino": ("openvino",),
    "transformers": ("torch", "transformers"),
}
_MAKERS: dict[str, Callable[[Wanted], Engine]] = {
    "ctranslate2": _make_ctranslate2,
    "llamacpp": _make_llamacpp,
    "openai": _make_openai,
    "openvino": _make_openvino,
    "transformers": _make_transformers,
}
