"""An InferenceGraph as frozen dataclasses.

This is data only: `graph.spec.load` reads it from YAML, and `graph.spec.admission` says what KServe
refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from graph.spec.services import InferenceService

ROOT = "root"


class RouterType(StrEnum):
    SEQUENCE = "Sequence"
    SWITCH = "Switch"
    SPLITTER = "Splitter"
    ENSEMBLE = "Ensemble"


class Dependency(StrEnum):
    SOFT = "Soft"
    HARD = "Hard"


@dataclass(frozen=True)
class Step:
    """One step of a node. Exactly one of `node_name`, `service_name`, `service_url` is not empty.

    `condition` is a gjson path, empty for none; `weight` counts in a Splitter only.
    """

    name: str = ""
    node_name: str = ""
    service_name: str = ""
    service_url: str = ""
    data: str = ""
    condition: str = ""
    weight: int | None = None
    dependency: Dependency = Dependency.SOFT
    map_predictions_to_instances: bool = False

    @property
    def target(self) -> str:
        """The node, the service or the URL that the step names."""
        return self.node_name or self.service_name or self.service_url


@dataclass(frozen=True)
class Node:
    router_type: RouterType
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Timeouts:
    """Seconds. KServe's defaults; zero or less means no limit, and so does None."""

    server_read: int = 60
    server_write: int = 60
    server_idle: int = 180
    service_client: int | None = None


@dataclass(frozen=True)
class Graph:
    """An InferenceGraph. `nodes` keeps the order of the file and always has `root`."""

    name: str
    nodes: Mapping[str, Node]
    namespace: str = ""
    timeouts: Timeouts = Timeouts()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    has_timeouts: bool = False
    source: str = ""

    def steps(self) -> Iterator[tuple[str, Node, int, Step]]:
        """Every step, with the name of its node, the node, and its index there."""
        for name, node in self.nodes.items():
            for index, step in enumerate(node.steps):
                yield name, node, index, step

    def longest_chain(self, name: str = ROOT, above: tuple[str, ...] = ()) -> int:
        """The most calls that can follow one another from a node on; a cycle counts once."""
        node = self.nodes.get(name)
        if node is None or name in above or not node.steps:
            return 0
        lengths = [
            self.longest_chain(step.node_name, (*above, name)) if step.node_name else 1
            for step in node.steps
        ]
        return sum(lengths) if node.router_type is RouterType.SEQUENCE else max(lengths)

    def targets(self) -> list[str]:
        """The services and URLs that the steps call, each once."""
        found = (step.target for _, _, _, step in self.steps() if not step.node_name)
        return list(dict.fromkeys(found))

    def service_names(self) -> list[str]:
        """The services that the steps call by name, each once."""
        found = (step.service_name for _, _, _, step in self.steps() if step.service_name)
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Objects:
    """The objects of a text. `others` names those of every other kind, as `Kind/name`."""

    graphs: tuple[Graph, ...] = ()
    services: tuple[InferenceService, ...] = ()
    others: tuple[str, ...] = ()
