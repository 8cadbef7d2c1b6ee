"""The words for a package that is not installed because it comes with an extra of Parley's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graph.errors import NotInstalled

_OURS = ("graph", "predictors")


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Imports that need `extra`. Raises NotInstalled, which says how to install it."""
    try:
        yield
    except ModuleNotFoundError as err:
        package = (err.name or "").partition(".")[0]
        if package in _OURS:
            raise
        raise NotInstalled(
            f"{package} is not installed; `pip install 'parley[{extra}]'` brings it"
            + ("; --url talks to a graph that runs elsewhere" if extra == "local" else "")
        ) from err
