"""`python -m predictors.conversion pull MODEL...`: fills a cluster's model cache, in a Job.

Each checkpoint is fetched and converted for CPU and for GPU. What is there already is left alone,
so a second run ends at once. `wait MODEL` ends when such a Job has converted that model, so that a
pod which starts earlier does not crash. Without arguments both take what the environment says:
every PARLEY_MODEL_... names a model. For a person at a terminal there is `parley models`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from graph.errors import ModelError
from predictors.conversion.convert import QUANTIZATIONS, convert
from predictors.conversion.wait import wait
from predictors.models.pull import pull
from predictors.models.reference import parse
from predictors.progress import Progress, on_terminal

# Each variable whose name begins so is a model: a ConfigMap as a whole can be the environment.
MODEL_VARIABLE = "PARLEY_MODEL_"


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    # The first process of a container ignores SIGTERM unless it says what to do on one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = _parser(environ).parse_args(argv)
    quantizations = arguments.quantizations.split(",")
    models_dir = environ.get("PARLEY_MODELS", "")
    try:
        with on_terminal(sys.stderr) as progress:
            for model in arguments.models:
                arguments.work(model, models_dir, quantizations, progress, environ)
    except ModelError as err:
        print(f"predictors.conversion: {err}", file=sys.stderr)
        return 1
    return 0


def _fill(
    model: str,
    models_dir: str,
    quantizations: Sequence[str],
    progress: Progress,
    environ: Mapping[str, str],
) -> None:
    if parse(model).kind == "hf":
        print(pull(model, models_dir, progress, environ))
    for quantization in quantizations:
        print(convert(model, models_dir, quantization, progress, environ))


def _wait(
    model: str,
    models_dir: str,
    quantizations: Sequence[str],
    _: Progress,
    environ: Mapping[str, str],
) -> None:
    print(f"waiting for {model} to be converted to {' or '.join(quantizations)}", file=sys.stderr)
    print(wait(model, models_dir, quantizations, environ))


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="predictors.conversion", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, work, about in (
        ("pull", _fill, "fetch and convert checkpoints"),
        ("wait", _wait, "wait until checkpoints are converted"),
    ):
        command = commands.add_parser(name, help=about)
        command.set_defaults(work=work)
        _add_arguments(command, environ)
    return parser


def _add_arguments(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    named = [environ[name] for name in sorted(environ) if name.startswith(MODEL_VARIABLE)]
    command.add_argument(
        "models",
        nargs="*" if named else "+",
        default=named,
        metavar="MODEL",
        help=f"hf:ID@REVISION or a folder (default: the variables {MODEL_VARIABLE}...)",
    )
    command.add_argument(
        "--quantizations",
        default=environ.get("PARLEY_QUANTIZATIONS", "int8,float16"),
        help=f"of {', '.join(QUANTIZATIONS)}, with commas between (default: int8,float16); "
        "environment: PARLEY_QUANTIZATIONS",
    )


if __name__ == "__main__":
    sys.exit(main())
