"""What became, or would become, of one object that was applied."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graph.cluster.objects import Object, without_server_fields


class Action(StrEnum):
    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    REPLACED = "replaced"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Outcome:
    """Before and after one object was applied; `before` is None where it was not there."""

    before: Object | None
    after: Object
    notes: tuple[str, ...] = ()
    replaced: bool = False

    @property
    def action(self) -> Action:
        if self.replaced:
            return Action.REPLACED
        if self.before is None:
            return Action.CREATED
        same = _comparable(self.before) == _comparable(self.after)
        return Action.UNCHANGED if same else Action.CONFIGURED

    @property
    def is_ours(self) -> bool:
        """Of a dry run: whether nobody else changed the object between the look at it and that."""
        if self.before is None or self.replaced:
            return True
        return _version(self.before) == _version(self.after)


def _version(item: Object) -> str:
    return str(item["metadata"].get("resourceVersion", ""))


def _comparable(item: Object) -> Object:
    """Without what controllers may have put on it since it was looked at."""
    bare = without_server_fields(item)
    bare["metadata"].pop("finalizers", None)
    return bare
