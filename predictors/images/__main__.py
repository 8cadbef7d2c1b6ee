"""Builds the project's images: `make images`, or `python -m predictors.images` in a checkout.

It runs docker, podman or buildah, the first of them that works here. It pushes nothing without
`--push`, and then with that program's own logins.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from graph.errors import SpecError
from graph.images import check_prefix
from predictors.images.bill_of_materials import BillError, write_bill
from predictors.images.builder import DOCKERFILE, ImageError, find_builder
from predictors.images.catalogue import ALL, CUDA, EMBEDDED, ROOT


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Build the images; prints a line for each, with its time and size."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="predictors.images", description=description)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--embedded",
        action="store_true",
        help="only what manifests/overlays/gateway-embedded needs",
    )
    kinds.add_argument(
        "--cuda", action="store_true", help="also the images for GPUs, several GB each"
    )
    parser.add_argument(
        "--push",
        metavar="REGISTRY",
        type=_registry,
        help="push each image there, for example to registry.example.com/parley",
    )
    options = parser.parse_args(argv)
    chosen = EMBEDDED if options.embedded else (*ALL, *(CUDA if options.cuda else ()))
    try:
        if not DOCKERFILE.is_file():
            raise ImageError(f"{DOCKERFILE}: missing; build the images in a checkout of Parley")
        builder = find_builder()
        for image in chosen:
            seconds = builder.build(image, environ)
            size = builder.size(image.name) / 10**6
            write_bill(image.bill, image.lock_files)
            bill = image.bill.relative_to(ROOT)
            print(f"{image.name}: {size:.0f} MB, built in {seconds:.0f} s; {bill}", flush=True)
            if options.push:
                target = f"{options.push}/{image.name}"
                print(f"pushed {target}@{builder.push(image.name, target)}", flush=True)
    except (BillError, ImageError) as err:
        print(err, file=sys.stderr)
        return 1
    return 0


def _registry(text: str) -> str:
    """A registry with a path in it, as an image's name begins."""
    try:
        return check_prefix(text)
    except SpecError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
