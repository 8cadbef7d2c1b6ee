"""The last lines of the logs that tell why something crashed."""

from __future__ import annotations

from dataclasses import replace

from graph.cluster.connection import Cluster
from graph.cluster.parts.model import Part, Status
from graph.cluster.reasons.model import LogSource
from graph.errors import ClusterError

_LINES = 6
_MOST_BYTES = 4096


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
                self._known[source] = read_last_lines(self._cluster, source)
            except ClusterError:
                self._known[source] = ()
        return self._known[source]


def read_last_lines(cluster: Cluster, source: LogSource) -> tuple[str, ...]:
    """Raises ClusterError."""
    namespace = cluster.namespace
    with cluster.speaking(f"log of Pod/{source.pod}"):
        answer = cluster.dynamic.request(
            "get",
            f"/api/v1/namespaces/{namespace}/pods/{source.pod}/log",
            query_params=[
                ("container", source.container),
                ("previous", str(source.previous).lower()),
                ("tailLines", str(_LINES)),
                ("limitBytes", str(_MOST_BYTES)),
            ],
            serialize=False,
        )
    return tuple(answer.data.decode("utf-8", "replace").splitlines())
