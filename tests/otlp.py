"""A collector of OpenTelemetry's: it takes spans by OTLP over HTTP, and keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from graph.asgi import Answer, Receive, Scope, Send, read_body, send_answer
from graph.telemetry.telemetry import Telemetry
from graph.telemetry.tracing import Tracing, read_tracing
from predictors.door.handler import Handler
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app


@dataclass(frozen=True)
class Seen:
    """A span as it came. trace, span, parent: in hex, a parent empty for none."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, Any]
    links: list[str]
    is_error: bool


class Collector:
    """The ASGI application. bodies: what came, as it came."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["method"], scope["path"]) == ("POST", "/v1/traces")
        self.bodies.append(await read_body(scope, receive, 1 << 20))
        await send_answer(send, Answer(200, b"", "application/x-protobuf"))

    @property
    def spans(self) -> list[Seen]:
        return [span for body in self.bodies for span in _spans(body)]


class Pods:
    """Predictors as on a cluster: each an application of its own, with its own name in traces."""

    def __init__(self, handlers: Sequence[Handler], environ: dict[str, str]) -> None:
        self.tracings: list[Tracing] = []
        self.apps = {handler.name: self._app(handler, environ) for handler in handlers}

    def _app(self, handler: Handler, environ: dict[str, str]) -> RequestGuard:
        tracing = read_tracing(environ, handler.name)
        self.tracings.append(tracing)
        app = build_app([handler], telemetry=Telemetry(tracing=tracing))
        return RequestGuard(app, [handler])

    def flush(self) -> None:
        for tracing in self.tracings:
            tracing.close()


def _spans(body: bytes) -> Iterable[Seen]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    _attributes(span.attributes),
                    [link.trace_id.hex() for link in span.links],
                    span.status.code == Status.STATUS_CODE_ERROR,
                )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None
