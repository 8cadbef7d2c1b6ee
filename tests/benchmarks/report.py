"""Writes the table and charts beside results: `python -m tests.benchmarks.report FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.charts import write_charts
from tests.benchmarks.results import FILE, Results, read
from tests.benchmarks.table import markdown

TABLE = "results.md"


def write_report(results: Results, folder: Path) -> None:
    charts = write_charts(results, folder)
    shown = "\n".join(f"![{path.stem}]({path.name})" for path in charts)
    (folder / TABLE).write_text("\n".join([markdown(results), shown]).rstrip() + "\n")


def main(argv: Sequence[str]) -> int:
    """argv: the folder."""
    folder = Path(argv[0])
    write_report(read(folder / FILE), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
