"""Which of Parley's predictors a container runs, and with which options, as its words say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from graph.spec.services import Container

_PREFIX = "PARLEY_"


def options_of(container: Container, module: str, model: str) -> dict[str, str] | None:
    """The options of the predictor `module` that serves `model`; None where there is none.

    A container may run several predictors. Variables of the environment count as options do, and
    what only a cluster knows is left out.
    """
    words = container.known_words()
    starts = [i for i, word in enumerate(words) if word.startswith("predictors.")]
    for start, end in pairwise([*starts, len(words)]):
        options = _named(words[start + 1 : end])
        if words[start] == module and options.get("model_name") in (model, None):
            return _variables(container) | options
    return None


def _variables(container: Container) -> dict[str, str]:
    environ = container.known_environ()
    return {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(_PREFIX)
    }


def _named(words: Sequence[str]) -> dict[str, str]:
    """`--name=value` and `--name value` as a dict."""
    found: dict[str, str] = {}
    for word, following in pairwise([*words, ""]):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            found[name] = value if equals else following
    return found
