"""Small stand-ins for the reference models, laid out as their repositories on a hub.

    python -m tests.checkpoints.reference_models FOLDER [--trained]

Made in seconds with random weights; `--trained` peaks each on the toy language, in a minute or so,
once for all such folders. They answer any text with something, and nothing that makes sense.
`tests.tools.hub` serves the folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import transformers

from tests.checkpoints.kept import copy_trained
from tests.checkpoints.making import make

# The ids that the manifests name, by family.
IDS = {
    "marian": "Helsinki-NLP/opus-mt-fr-en",
    "t5": "google-t5/t5-small",
    "blenderbot": "facebook/blenderbot-400M-distill",
    "flan-t5": "google/flan-t5-large",
}


def make_all(folder: Path, *, trained: bool = False) -> dict[str, Path]:
    """Every reference model in `folder`, by its id; one that is there already is left as it is."""
    made = {name: folder / name for name in IDS.values()}
    for family, name in IDS.items():
        if not made[name].exists():
            if trained:
                copy_trained(family, made[name], os.environ)
            else:
                make(family, made[name])
    return made


def main(argv: Sequence[str] | None = None) -> int:
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="tests.checkpoints.reference_models", description=about)
    parser.add_argument("folder", type=Path, help="where OWNER/NAME/files are laid out")
    parser.add_argument("--trained", action="store_true", help="peak them on the toy language")
    arguments = parser.parse_args(argv)
    transformers.logging.disable_progress_bar()
    for path in make_all(arguments.folder, trained=arguments.trained).values():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
