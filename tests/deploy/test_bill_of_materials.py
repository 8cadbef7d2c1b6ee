"""Each image has a list of what it holds, made of the lock files that it is built from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from predictors.images import catalogue as images
from predictors.images.bill_of_materials import BillError, write_bill
from predictors.images.builder import DOCKERFILE
from tests.tools.audit import read_pins

IMAGES = (*images.ALL, *images.CUDA)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_the_lock_files_of_an_image_are_those_of_the_dockerfile(image: images.Image) -> None:
    text = DOCKERFILE.read_text()
    assert "COPY requirements/${PACKAGES}${VARIANT}.txt requirements.txt" in text
    assert '-r "/requirements/embedded-${model}.txt"' in text
    assert all(file.is_file() for file in image.lock_files)


@pytest.mark.parametrize(
    "image", [images.EMBEDDED[1], images.CUDA[0]], ids=lambda image: image.name
)
def test_every_locked_package_is_in_the_list_with_its_version_and_hash(
    image: images.Image, tmp_path: Path
) -> None:
    file = tmp_path / "bill.json"
    write_bill(file, image.lock_files)
    bill = json.loads(file.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    listed = {
        (re.sub(r"[._]", "-", item["name"].lower()), item["version"]) for item in bill["components"]
    }
    wanted = {
        (name, version)
        for name, versions in read_pins(image.lock_files).items()
        for version in versions
    }
    assert wanted <= {(name, version.partition("+")[0]) for name, version in listed}
    assert all(
        reference["hashes"]
        for item in bill["components"]
        for reference in item["externalReferences"]
        if reference["type"] == "distribution"
    )


def test_the_same_lock_files_make_the_same_bytes(tmp_path: Path) -> None:
    files = tmp_path / "a.json", tmp_path / "b.json"
    for file in files:
        write_bill(file, images.PLAIN[0].lock_files)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert str(tmp_path).encode() not in files[0].read_bytes()


def test_a_list_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "bill.json").mkdir()
    with pytest.raises(BillError, match=r"bill\.json: "):
        write_bill(tmp_path / "bill.json", images.PLAIN[0].lock_files)
