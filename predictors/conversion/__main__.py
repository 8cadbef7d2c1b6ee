"""`python -m predictors.conversion pull MODEL...`: fills a cluster's model cache, in a Job.

Each checkpoint is fetched and converted for CPU and for GPU. What is there already is left alone,
so a second run ends at once. For a person at a terminal there is `parley models`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from graph.errors import ModelError
from predictors.conversion.convert import convert
from predictors.models.conversions import QUANTIZATIONS
from predictors.models.pull import pull
from predictors.models.reference import parse
from predictors.progress import Progress, on_terminal


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    arguments = _parser().parse_args(argv)
    quantizations = arguments.quantizations.split(",")
    models_dir = environ.get("PARLEY_MODELS", "")
    try:
        with on_terminal(sys.stderr) as progress:
            for model in arguments.models:
                _fill(model, models_dir, quantizations, progress, environ)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="predictors.conversion", description=__doc__)
    commands = parser.add_subparsers(required=True)
    fill = commands.add_parser("pull", help="fetch and convert checkpoints")
    fill.add_argument("models", nargs="+", metavar="MODEL", help="hf:ID@REVISION or a folder")
    fill.add_argument(
        "--quantizations",
        default="int8,float16",
        help=f"of {', '.join(QUANTIZATIONS)}, with commas between (default: int8,float16)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
