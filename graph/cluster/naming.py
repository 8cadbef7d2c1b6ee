"""How commands name a service or a graph: `chat`, or with its kind, `isvc/chat`."""

from __future__ import annotations

from graph.errors import SpecError

SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
GRAPH = ("serving.kserve.io/v1alpha1", "InferenceGraph")
# As kubectl takes them, singular, plural and short.
_WORDS = {
    word: kind
    for kind, words in {
        SERVICE: ("inferenceservice", "inferenceservices", "isvc"),
        GRAPH: ("inferencegraph", "inferencegraphs", "ig"),
    }.items()
    for word in (*words, *(f"{name}.serving.kserve.io" for name in words))
}


def split_name(name: str) -> tuple[list[tuple[str, str]], str]:
    """The kinds that it may be of, each with its version, and the name alone. Raises SpecError."""
    word, slash, short = name.rpartition("/")
    if not slash:
        return [SERVICE, GRAPH], short
    if word.lower() not in _WORDS:
        raise SpecError(f"{name}: {word} is neither inferenceservice nor inferencegraph")
    return [_WORDS[word.lower()]], short
