"""The last lines of the logs that tell why something crashed."""

from __future__ import annotations

from dataclasses import replace

from graph.cluster.connection import Cluster
from graph.cluster.logs import Wanted, read_log
from graph.cluster.parts.model import Part, Status
from graph.cluster.reasons.model import LogSource
from graph.errors import ClusterError

_LAST = Wanted(tail=6)


class CrashLogs:
    """Reads each log once: a container that was started again has another one."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[LogSource, tuple[str, ...]] = {}

    def fill(self, status: Status) -> Status:
        """The same with the lines in the reasons. A log that cannot be read has none."""
        return replace(status, applications=tuple(map(self._fill, status.applications)))

    def _fill(self, part: Part) -> Part:
        reason = part.reason
        if reason and reason.log:
            reason = replace(reason, log_lines=self._read(reason.log))
        return replace(part, reason=reason, parts=tuple(map(self._fill, part.parts)))

    def _read(self, source: LogSource) -> tuple[str, ...]:
        if source not in self._known:
            try:
                lines = read_log(
                    self._cluster, source.pod, source.container, _LAST, source.previous
                )
            except ClusterError:
                lines = []
            self._known[source] = tuple(line.text for line in lines)
        return self._known[source]
