"""How a request flows, as values: steps in a row, or one of several, or all at once.

The functions are the four kinds of node that an InferenceGraph has. What a step receives and how it
is mapped is not said here: `graph.composing.wiring` finds it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graph.spec.model import RouterType

# What a step may call: the name of an InferenceService or a URL, a service that Python describes
# (`graph.composing.services`), an InferenceService of KServe's SDK or as a dict, or another flow.
Target = Any
# A gjson path that finds something in every JSON.
ALWAYS = "@this"


@dataclass(frozen=True)
class Part:
    """One step. name: "" for that of what it calls, or else `fallback`.

    condition: a gjson path on the answer before, which ends a sequence where it finds nothing, or
    on a switch's input.
    """

    target: Target
    name: str = ""
    condition: str = ""
    fallback: str = ""
    weight: int | None = None


@dataclass(frozen=True)
class Flow:
    """A node. on: the field by which a switch chooses, where it is not by conditions."""

    router_type: RouterType
    parts: tuple[Part, ...]
    name: str = ""
    on: str = ""


def step(target: Target, *, name: str = "", condition: str = "") -> Part:
    """A step of a sequence with a name of its own, or with a condition on the answer before.

    Where the condition finds nothing, the sequence ends with that answer.
    """
    return Part(target, name, condition)


def sequence(*steps: Target, name: str = "") -> Flow:
    """One after the other, each with the answer of the one before. The answer is the last one's."""
    return Flow(RouterType.SEQUENCE, tuple(map(_part, steps)), name)


def switch(
    branches: Mapping[str, Target], *, on: str = "", otherwise: Target = None, name: str = ""
) -> Flow:
    """The first branch that fits, else `otherwise`; without one, what fits none is answered 404.

    on: the field whose value names a branch, where any instance of the request, or any prediction
    of the answer before, has it. Without `on` a branch is named by a condition of its own: a gjson
    path, which fits where it finds something.
    """
    parts = [
        Part(target, key) if on else Part(target, condition=key, fallback=f"branch-{number}")
        for number, (key, target) in enumerate(branches.items(), start=1)
    ]
    if otherwise is not None:
        parts.append(Part(otherwise, condition=ALWAYS, fallback="otherwise"))
    return Flow(RouterType.SWITCH, tuple(parts), name, on)


def splitter(*shares: tuple[int, Target], name: str = "") -> Flow:
    """One of several by chance: `(90, chat), (10, new_chat)`. The weights are percentages."""
    parts = tuple(Part(target, weight=weight) for weight, target in shares)
    return Flow(RouterType.SPLITTER, parts, name)


def ensemble(branches: Mapping[str, Target], *, name: str = "") -> Flow:
    """All at once: the answer is one JSON object that has each branch's answer under its key."""
    parts = tuple(Part(target, key) for key, target in branches.items())
    return Flow(RouterType.ENSEMBLE, parts, name)


def _part(target: Target) -> Part:
    return target if isinstance(target, Part) else Part(target)
