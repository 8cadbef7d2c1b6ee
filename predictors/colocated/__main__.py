"""`python -m predictors.colocated`: several predictors in one process, on one port.

A GPU belongs to one container, so models that share it run in one process. The arguments are those
of the server, then a block for each predictor: its module and its own options, as it takes them
where it serves alone. A variable of the environment holds for every block.

    python -m predictors.colocated --http_port=8080
      predictors.translator --model_name=translate-fr-en --source=fr --target=en --model=MODEL
      predictors.chat --model_name=chat --model=MODEL
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C before there is anything to drain ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import dataclasses
import importlib
import itertools
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graph.errors import find_nearest
from predictors.models.pull import NotPulled, join_unpulled
from predictors.progress import Progress, show_nothing
from predictors.settings import OptionError, ServerSettings, read_settings
from predictors.sharing import Shared

if TYPE_CHECKING:
    from predictors.serving import Built

PROG = "predictors.colocated"
# Those with a model, for which a GPU is shared. The detector's packages are in an image of its own.
KNOWN = ("predictors.chat", "predictors.translator")
_MODULE = re.compile(r"predictors\.\w+")
_SERVER_OPTIONS = tuple(f"--{field.name}" for field in dataclasses.fields(ServerSettings))


@dataclass(frozen=True)
class Block:
    """One predictor among the arguments. place: where it stands, for errors."""

    module: str
    words: tuple[str, ...]
    place: str


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    from predictors.serving import run_all

    return run_all(PROG, build, argv, environ)


def build(
    argv: Sequence[str],
    environ: Mapping[str, str],
    progress: Progress = show_nothing,
    shared: Shared | None = None,
) -> tuple[list[Built], ServerSettings]:
    """The predictors that the arguments ask for, not yet loaded. Raises OptionError, ModelError."""
    own, blocks = read_blocks(argv)
    settings = read_settings(ServerSettings, own, environ, PROG, __doc__ or "")
    if not blocks:
        raise OptionError(f"no predictor: write {' or '.join(KNOWN)} and its options")
    built: list[Built] = []
    unpulled: list[NotPulled] = []
    for block in blocks:
        try:
            built.append(_build(block, environ, progress, shared))
        except NotPulled as err:
            unpulled.append(err)
    if unpulled:
        # All at once, so that one command fixes it.
        raise join_unpulled(unpulled)
    _check_names(built)
    return built, settings


def read_blocks(argv: Sequence[str]) -> tuple[list[str], list[Block]]:
    """The words before the first module, and a block for each module. Raises OptionError."""
    starts = [index for index, word in enumerate(argv) if _MODULE.fullmatch(word)]
    bounds = [*starts, len(argv)]
    blocks = []
    for number, (start, end) in enumerate(itertools.pairwise(bounds), 1):
        module = argv[start]
        block = Block(module, tuple(argv[start + 1 : end]), f"predictor {number}, {module}")
        _check(block)
        blocks.append(block)
    return list(argv[: bounds[0]]), blocks


def _check(block: Block) -> None:
    if block.module not in KNOWN:
        near = find_nearest(block.module, KNOWN, cutoff=0.8)
        hint = f"did you mean {near}?" if near else f"choose from {', '.join(KNOWN)}"
        raise OptionError(f"{block.place}: does not run beside others; {hint}")
    for word in block.words:
        if word.partition("=")[0] in _SERVER_OPTIONS:
            raise OptionError(
                f"{block.place}: {word.partition('=')[0]} is the server's; write it before the "
                "first predictor"
            )


def _build(
    block: Block, environ: Mapping[str, str], progress: Progress, shared: Shared | None
) -> Built:
    module = importlib.import_module(f"{block.module}.__main__")
    try:
        built: Built = module.build(block.words, environ, progress, shared)
    except OptionError as err:
        raise OptionError(f"{block.place}: {err}") from err
    return built


def _check_names(built: Sequence[Built]) -> None:
    names = [predictor.name for predictor, _ in built]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"--model_name: {name} stands there twice; a name is one URL")


if __name__ == "__main__":
    sys.exit(main())
