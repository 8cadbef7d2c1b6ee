"""An application: InferenceServices, and the graph that leads a request through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from graph.client import ChatClient
from graph.cluster.objects import Source, read_objects
from graph.composing.flow import Flow, Target, sequence
from graph.composing.registry import from_registry
from graph.composing.sdk import to_kserve
from graph.composing.services import Predictor, Service, as_service
from graph.composing.shipped import Object, Variant, find_shipped
from graph.composing.weights import write_weights
from graph.composing.wiring import wire
from graph.errors import SpecError, needing
from graph.images import check_prefix
from graph.lint.findings import Finding, Severity, Subject, lint
from graph.lint.rules import RULES
from graph.spec.load import load_objects
from graph.spec.model import Graph, Node, Objects
from graph.spec.write import write_nodes, write_yaml

if TYPE_CHECKING:
    from graph.local.build import LocalGraph

_GRAPH = "InferenceGraph"
# No service can be called so.
_NO_GRAPH = "-"
_INSTANCE = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class Application:
    """Kubernetes objects that are one application.

    They hold InferenceServices and at most one InferenceGraph. It is linted when it is made: a
    graph that would fail raises SpecError, and what may be meant is in `warnings`.
    """

    objects: tuple[Object, ...]

    def __post_init__(self) -> None:
        read = self._read if self.objects else Objects()
        if not read.graphs and not read.services:
            raise SpecError("an application has at least one service")
        if len(read.graphs) > 1:
            raise SpecError(f"an application has one graph, not {len(read.graphs)}")
        errors = [each for each in self._findings if each.severity is Severity.ERROR]
        if errors:
            raise SpecError(
                "; ".join(f"{each.place}: {each.problem}: {each.fix}" for each in errors)
            )

    @classmethod
    def of(cls, *sources: Source) -> Self:
        """The application of objects that are there: of files, of KServe's SDK, or dicts.

        They may come from a cluster; what its server wrote into them is left out. Raises SpecError.
        """
        return cls(tuple(manifest.body for manifest in read_objects(sources)))

    def from_registry(self, prefix: str, pull_secret: str = "") -> Self:
        """The same application, whose pods pull Parley's images from a registry of yours.

        prefix: such as registry.example.com/parley.  pull_secret: name of a Secret of the
        namespace, for a private registry. KServe's router has its own. Raises SpecError.
        """
        bare = check_prefix(prefix)
        moved = (from_registry(body, bare, pull_secret) for body in self.objects)
        return replace(self, objects=tuple(moved))

    @cached_property
    def graph(self) -> Graph | None:
        """The graph as the router walks it; None for services alone."""
        return next(iter(self._read.graphs), None)

    @property
    def warnings(self) -> list[Finding]:
        """What lint finds that is right only where it is meant."""
        return [each for each in self._findings if each.severity is Severity.WARNING]

    def to_yaml(self) -> str:
        """The objects as `kubectl apply -f`, `parley apply` and `parley serve` take them."""
        return write_yaml(self.objects)

    def to_kserve(self) -> list[Any]:
        """The objects as KServe's SDK has them: V1beta1InferenceService, V1alpha1InferenceGraph.

        Other kinds stay dicts. Raises NotInstalled without the SDK.
        """
        return [to_kserve(each) for each in self.objects]

    def local(self) -> ChatClient:
        """The application in this process, its models loaded.

        Services without a graph answer `client.predict(NAME, ...)`. Raises SpecError, ModelError,
        NotInstalled.
        """
        built = self.build()
        with needing("local"):
            from graph.local.transport import LocalTransport

        built.load()
        return ChatClient(transport=LocalTransport(built))

    def build(self) -> LocalGraph:
        """The graph and its predictors in this process, not loaded. Raises SpecError, ModelError,
        NotInstalled.
        """
        with needing("local"):
            from graph.local.build import build

        return build(self._runnable(), self.name)

    @property
    def name(self) -> str:
        """That of the graph, else of the first service."""
        return self.names[0]

    @property
    def names(self) -> list[str]:
        """The graph, or the services where there is none: what `graph.cluster` knows it by."""
        return [self.graph.name] if self.graph else [each.name for each in self._read.services]

    @property
    def namespace(self) -> str:
        """The one that its objects name, "" where they name none."""
        named = (body["metadata"].get("namespace", "") for body in self.objects)
        return next(filter(None, named), "")

    @cached_property
    def _read(self) -> Objects:
        return load_objects(self.to_yaml(), "")

    @cached_property
    def _findings(self) -> list[Finding]:
        if self.graph is None:
            return []
        known = {service.name for service in self._read.services}
        elsewhere = set(self.graph.service_names()) - known
        return lint(Subject(self.graph, self._read.services, elsewhere=elsewhere), RULES)

    def _runnable(self) -> Objects:
        """With a graph that only names the services where there is none; the runner wants one."""
        if self.graph is not None:
            return self._read
        names = [service.name for service in self._read.services]
        graph = Graph(_NO_GRAPH, wire(sequence(*names)).nodes)
        return Objects((graph,), self._read.services)


def application(name: str, parts: Target | Sequence[Target], *, namespace: str = "") -> Application:
    """What a flow calls, with a graph of that name; or one service or several, without a graph.

    A service that the flow only names runs already, or is applied by somebody else. Models of a
    hub bring the volume that they are served from, and the Job that fills it. namespace: "" leaves
    it to whoever applies the objects. Raises SpecError.
    """
    if isinstance(parts, Flow):
        wired = wire(parts)
        services = list(wired.services.values())
        graph = [_write_graph(name, wired.nodes)]
    else:
        services = _list_services(parts)
        graph = []
    predictors = [each for each in services if isinstance(each, Predictor)]
    own = [*write_weights(predictors), *(each.manifest() for each in predictors), *graph]
    given = [each.manifest() for each in services if not isinstance(each, Predictor)]
    for body in own:
        body["metadata"]["labels"][_INSTANCE] = name
    return Application(tuple(_place(body, namespace) for body in (*given, *own)))


def _list_services(parts: Target | Sequence[Target]) -> list[Service]:
    services = [
        as_service(each) for each in (parts if isinstance(parts, list | tuple) else [parts])
    ]
    names = [service.name for service in services]
    if not names:
        raise SpecError("an application has at least one service")
    if len({*names}) != len(names):
        raise SpecError(f"two services have one name: {', '.join(names)}")
    return services


def _write_graph(name: str, nodes: Mapping[str, Node]) -> Object:
    """The shipped graph's limits around other nodes, and time for the longest way through them."""
    body = find_shipped(Variant.EMBEDDED, _GRAPH)
    body["metadata"]["name"] = name
    spec = body["spec"]
    spec["nodes"] = write_nodes(nodes)
    timeouts = spec["routerTimeouts"]
    longest = Graph(name, nodes).longest_chain() * timeouts["serviceClient"]
    timeouts["serverWrite"] = max(timeouts["serverWrite"], longest)
    return body


def _place(body: Object, namespace: str) -> Object:
    """The object in a namespace, which a shipped one has of its own."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "namespace"}
    inner = {"namespace": namespace} if namespace else {}
    return body | {"metadata": {"name": metadata.pop("name")} | inner | metadata}
