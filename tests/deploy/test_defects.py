"""manifests/DEFECTS.md: each known defect of KServe has a row, and each row a test that exists."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.deploy.render import MANIFESTS

ROOT = MANIFESTS.parent
ROW = re.compile(r"^\| ([RP]\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = {row[0]: row[1:] for row in ROW.findall((MANIFESTS / "DEFECTS.md").read_text())}
KNOWN = [f"R{number}" for number in range(1, 17)] + [f"P{number}" for number in range(1, 12)]


def test_every_known_defect_has_its_row() -> None:
    assert list(ROWS) == KNOWN
    assert "(DEFECTS.md)" in (MANIFESTS / "README.md").read_text()


@pytest.mark.parametrize("defect", KNOWN)
def test_each_test_that_a_row_names_exists(defect: str) -> None:
    shown = re.findall(r"`([^`]+)`", ROWS[defect][-1])
    assert shown
    for name in shown:
        file, _, test = name.partition("::")
        text = (ROOT / file).read_text()
        if file.endswith(".yaml"):
            assert test in [case["name"] for case in yaml.safe_load(text)], name
        else:
            assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), name
