"""Pairs of texts in a file: a line for each, with a tab between the two.

Blank lines and lines that begin with `#` are left out. Examples are kept so: a message and its
answer, a sentence and its translation.
"""

from __future__ import annotations

from importlib.resources.abc import Traversable

from graph.errors import ModelError


def read_pairs(file: Traversable, name: str, form: str) -> list[tuple[str, str]]:
    """The pairs in the order of the file, without spaces around them.

    name: what errors call the file.  form: what they say that a line must be. Raises ModelError for
    a file that is no text in UTF-8, and for a line that is not two texts with a tab between.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise ModelError(f"{name}: cannot be read as UTF-8 text") from err
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 2 or not all(columns):
            raise ModelError(f"{name}, line {number}: must be {form}")
        pairs.append((columns[0], columns[1]))
    return pairs
