"""Events of one object, the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graph.cluster.reasons.model import Object


@dataclass(frozen=True)
class Event:
    """kind, name, container: what it is about.  last: when it was last seen, as ISO 8601."""

    kind: str
    name: str
    container: str
    reason: str
    message: str
    last: str
    warning: bool


def read_events(found: Iterable[Object]) -> tuple[Event, ...]:
    """The newest first."""
    events = sorted(map(_read_event, found), key=lambda event: event.last, reverse=True)
    return tuple(events)


def events_of(events: Iterable[Event], kind: str, name: str) -> tuple[Event, ...]:
    """In the order in which they came."""
    return tuple(event for event in events if (event.kind, event.name) == (kind, name))


def newest(events: Iterable[Event], *reasons: str) -> Event | None:
    """The first with one of these reasons."""
    return next((event for event in events if event.reason in reasons), None)


def _read_event(found: Object) -> Event:
    about = found.get("involvedObject", {})
    series = found.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        found.get("lastTimestamp"),
        found.get("eventTime"),
        found["metadata"].get("creationTimestamp"),
    )
    return Event(
        kind=about.get("kind", ""),
        name=about.get("name", ""),
        container=_container(about.get("fieldPath", "")),
        reason=found.get("reason", ""),
        message=found.get("message", ""),
        last=next((time for time in times if time), ""),
        warning=found.get("type") == "Warning",
    )


def _container(path: str) -> str:
    """The container of a path such as `spec.containers{chat}`, "" for any other path."""
    return path.partition("{")[2].removesuffix("}")
