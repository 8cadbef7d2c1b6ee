"""A pod as frozen dataclasses: of the API server's object, what tells why it does not run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graph.cluster.reasons.model import Object


@dataclass(frozen=True)
class End:
    """How a container ended. reason: Kubernetes' word, such as OOMKilled; code: its exit code."""

    reason: str
    message: str
    code: int

    @property
    def failed(self) -> bool:
        return self.code != 0 or self.reason == "OOMKilled"


@dataclass(frozen=True)
class Container:
    """waiting, message: why it waits, "" where it does not.  ended: how it ended, None while it
    runs or waits.  before: how it ended before its last restart.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    memory_limit: str = ""
    init: bool = False
    waiting: str = ""
    message: str = ""
    running: bool = False
    started: bool = False
    ready: bool = False
    restarts: int = 0
    ended: End | None = None
    before: End | None = None


@dataclass(frozen=True)
class DeviceClaim:
    """A ResourceClaim of a pod. reference: what the pod's containers call it.

    name: the object's, "" until it is made.  template: what it is made of, "" where it was there.
    """

    reference: str
    name: str
    template: str


@dataclass(frozen=True)
class Pod:
    """unscheduled: the scheduler's words for why it is on no node, "" where it is on one.

    asks: for each resource, what the containers ask for.
    """

    name: str
    namespace: str
    labels: Mapping[str, str]
    phase: str
    reason: str
    message: str
    ready: bool
    going: bool
    node: str
    unscheduled: str
    containers: tuple[Container, ...] = ()
    claims: tuple[str, ...] = ()
    device_claims: tuple[DeviceClaim, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def restarts(self) -> int:
        return sum(container.restarts for container in self.containers)


def read_pod(found: Object) -> Pod:
    metadata, spec, status = found["metadata"], found.get("spec", {}), found.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    scheduled = conditions.get("PodScheduled", {})
    return Pod(
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        labels=metadata.get("labels", {}),
        phase=status.get("phase", ""),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        going="deletionTimestamp" in metadata,
        node=spec.get("nodeName", ""),
        unscheduled=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
        containers=tuple(_read_containers(spec, status)),
        claims=read_claims(spec),
        device_claims=tuple(_read_device_claims(spec, status)),
        node_selector=spec.get("nodeSelector", {}),
        asks=_read_asks(spec.get("containers", ())),
    )


def read_claims(spec: Object) -> tuple[str, ...]:
    """Names of the PersistentVolumeClaims that a pod's spec mounts."""
    volumes = spec.get("volumes") or ()
    claims = (volume.get("persistentVolumeClaim", {}).get("claimName") for volume in volumes)
    return tuple(claim for claim in claims if claim)


def _read_device_claims(spec: Object, status: Object) -> Iterable[DeviceClaim]:
    made = {
        each["name"]: each.get("resourceClaimName", "")
        for each in status.get("resourceClaimStatuses") or ()
    }
    for claim in spec.get("resourceClaims") or ():
        name = claim.get("resourceClaimName") or made.get(claim["name"], "")
        yield DeviceClaim(claim["name"], name, claim.get("resourceClaimTemplateName", ""))


def _read_containers(spec: Object, status: Object) -> Iterable[Container]:
    for fields, statuses, init in (
        ("initContainers", "initContainerStatuses", True),
        ("containers", "containerStatuses", False),
    ):
        found = {each["name"]: each for each in status.get(statuses) or ()}
        for container in spec.get(fields) or ():
            yield _read_container(container, found.get(container["name"], {}), init)


def _read_container(spec: Object, status: Object, init: bool) -> Container:
    state = status.get("state", {})
    waiting = state.get("waiting", {})
    return Container(
        name=spec["name"],
        image=spec.get("image", ""),
        command=(*spec.get("command", ()), *spec.get("args", ())),
        memory_limit=str(spec.get("resources", {}).get("limits", {}).get("memory", "")),
        init=init,
        waiting=waiting.get("reason", ""),
        message=waiting.get("message", ""),
        running="running" in state,
        started=bool(status.get("started")),
        ready=bool(status.get("ready")),
        restarts=status.get("restartCount", 0),
        ended=_read_end(state.get("terminated")),
        before=_read_end(status.get("lastState", {}).get("terminated")),
    )


def _read_end(found: Object | None) -> End | None:
    if not found:
        return None
    return End(found.get("reason", ""), found.get("message", ""), found.get("exitCode", 0))


def _read_asks(containers: Sequence[Object]) -> dict[str, tuple[str, ...]]:
    asks: dict[str, tuple[str, ...]] = {}
    for container in containers:
        resources = container.get("resources", {})
        # A limit without a request is the request.
        for name, amount in (
            {**resources.get("limits", {}), **resources.get("requests", {})}
        ).items():
            asks[name] = (*asks.get(name, ()), str(amount))
    return asks
