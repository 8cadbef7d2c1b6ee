"""`python -m tests.deploy.chart_readme`: the chart's README, its table of values from values.yaml.

The text above the values is helm/parley/README.template.md; a test compares the README with what
the two make, and asks for a comment above every value.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.deploy.chart import CHART

VALUES = CHART / "values.yaml"
TEMPLATE = CHART / "README.template.md"
README = CHART / "README.md"
MARK = "<!-- values -->\n"
_KEY = re.compile(r"(?P<indent> *)(?P<key>[\w./-]+):(?: (?P<value>.*))?")


@dataclass(frozen=True)
class Value:
    """path: its keys with dots between.  default: as it is written, empty for a block."""

    path: str
    default: str
    comment: str


def main() -> int:
    README.write_text(make_readme())
    return 0


def make_readme() -> str:
    return TEMPLATE.read_text().replace(MARK, "\n".join(_table()) + "\n")


def read_values(text: str) -> Iterator[Value]:
    """Every key of a values file with the comment above it; the header's comment is none's."""
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.strip().removeprefix("#").removeprefix(" "))
        elif match := _KEY.fullmatch(line):
            path = [*path[: len(match["indent"]) // 2], match["key"]]
            yield Value(".".join(path), match["value"] or "", _prose(comment))
            comment = []
        else:
            comment = []


def _prose(lines: list[str]) -> str:
    """A comment without its indented examples."""
    return " ".join(line for line in lines if not line.startswith("  "))


def _table() -> Iterator[str]:
    yield "| value | default | what it is |"
    yield "| --- | --- | --- |"
    for value in read_values(VALUES.read_text()):
        default = f"`{value.default}`" if value.default else ""
        cells = (f"`{value.path}`", default, value.comment)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
