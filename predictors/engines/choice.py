"""Chooses the engine for a model: by the option `engine`, else by the format of its weights.

An engine's module is imported when it is chosen, so that an image holds only what its engine needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

from graph.errors import ModelError
from predictors.engines.base import Engine
from predictors.engines.cpu import cpu_limit
from predictors.models.progress import Progress, show_nothing
from predictors.models.resolve import ResolvedModel, resolve
from predictors.settings import ModelSettings

# The engines that read a format, the preferred one first.
ENGINES_OF_FORMAT = {
    "gguf": ("llamacpp",),
    "ctranslate2": ("ctranslate2",),
    "transformers": ("transformers",),
    "openai": ("openai",),
}


def choose_engine(
    settings: ModelSettings,
    environ: Mapping[str, str],
    *,
    context: int = 2048,
    progress: Progress = show_nothing,
) -> Engine:
    """The engine for `settings.model`, not yet loaded; `context` tokens are wanted a request.

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
    name = able[0] if settings.engine == "auto" else settings.engine
    if name not in able:
        raise ModelError(
            f"--engine {name}: cannot read {resolved.name}, whose format is {resolved.format}; "
            f"use {' or '.join(able)}"
        )
    return _MAKERS[name](resolved, settings, context, environ)


def _make_llamacpp(
    resolved: ResolvedModel, settings: ModelSettings, context: int, environ: Mapping[str, str]
) -> Engine:
    _need("xllamacpp", resolved)
    from predictors.engines.llamacpp import LlamaCpp

    return LlamaCpp(
        resolved.path,
        resolved.name,
        threads=settings.threads or default_threads(cpu_limit()),
        parallel=settings.parallel,
        context=context,
        gpu_layers=0 if settings.device == "cpu" else -1,
    )


def default_threads(cpus: int) -> int:
    """Half of the CPUs, at least one, for an engine whose threads wait for each other by spinning.

    With as many threads as CPUs, one that is preempted holds up all: with other processes at work
    on a machine of 2 CPUs, 60 tokens of SmolLM2-135M took 2.4 s on one thread, 27 to 54 s on two.
    """
    return max(1, cpus // 2)


def _make_ctranslate2(
    resolved: ResolvedModel, settings: ModelSettings, context: int, environ: Mapping[str, str]
) -> Engine:
    _need("ctranslate2", resolved)
    from predictors.engines.ctranslate2 import CTranslate2

    return CTranslate2(
        resolved.path,
        resolved.name,
        threads=settings.threads or cpu_limit(),
        device=settings.device,
    )


def _make_transformers(
    resolved: ResolvedModel, settings: ModelSettings, context: int, environ: Mapping[str, str]
) -> Engine:
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise ModelError(
            f"{resolved.name}: not converted yet, so only the engine transformers reads it, which "
            f"is not installed here; run: parley models convert {resolved.reference}"
        )
    from predictors.engines.transformers import Transformers

    return Transformers(
        resolved.path,
        resolved.name,
        threads=settings.threads or cpu_limit(),
        device=settings.device,
    )


def _make_openai(
    resolved: ResolvedModel, settings: ModelSettings, context: int, environ: Mapping[str, str]
) -> Engine:
    from predictors.engines.openai import OpenAI

    reference = resolved.reference
    # The name that OpenAI's own clients read; a secret is no argument, which `ps` would show.
    key = environ.get("OPENAI_API_KEY", "")
    return OpenAI(reference.url, reference.name, parallel=settings.parallel, api_key=key)


def _need(package: str, resolved: ResolvedModel) -> None:
    if find_spec(package) is None:
        raise ModelError(
            f"{resolved.name}: needs the Python package {package}, which is not installed here"
        )


_Maker = Callable[[ResolvedModel, ModelSettings, int, Mapping[str, str]], Engine]
_MAKERS: dict[str, _Maker] = {
    "ctranslate2": _make_ctranslate2,
    "llamacpp": _make_llamacpp,
    "openai": _make_openai,
    "transformers": _make_transformers,
}
