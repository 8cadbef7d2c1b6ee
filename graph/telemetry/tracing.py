"""Spans for OpenTelemetry: off, unless the standard variables of the environment ask for them.

    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   where the collector is
    OTEL_TRACES_EXPORTER    `otlp` asks for spans without an endpoint too, `none` for none at all
    OTEL_SDK_DISABLED       `true` asks for none at all

Everything else (OTEL_SERVICE_NAME, OTEL_RESOURCEATTRIBUTES, OTEL_TRACES_SAMPLER, headers and
certificates) is read by OpenTelemetry's own SDK, which is imported only where spans are asked for.
Spans go out by OTLP over HTTP. No span holds a text that a person or a model wrote, nor the words
of an error, which may quote one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph.errors import ParleyError, ServeError, needing
from graph.telemetry.trace_context import current_traceparent, within

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Value = str | int | float | bool | Sequence[str]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"
_SCOPE = "parley"
# Of a parent's flags: sampled, and that the trace's name is random.
_FLAGS = 0x03
# What is left to send at the end of a process may take no longer.
_CLOSE_SECONDS = 5.0


class Span:
    """A span that nobody records. traceparent: what its children name as their parent."""

    traceparent = ""

    def note(self, **attributes: Value | None) -> None:
        """Attributes by their names, with underscores for dots; None leaves one out."""


class Tracing:
    """Makes no spans. What a request belongs to passes through all the same."""

    is_on = False

    @contextmanager
    def span(self, name: str, links: Sequence[str] = ()) -> Iterator[Span]:
        """A span of the work at hand, for the block.

        Its parent is the current traceparent; it becomes that itself.  links: further traces that
        the block works for.
        """
        yield Span()

    def close(self) -> None:
        """Send what is left, for some seconds."""


def read_tracing(environ: Mapping[str, str], service: str) -> Tracing:
    """service: the name under which spans are found, unless OTEL_SERVICE_NAME is another one.

    Raises ServeError for what is not supported, NotInstalled without the packages.
    """
    exporter = environ.get(_EXPORTER, "").strip()
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    asked = exporter or any(environ.get(name) for name in _ENDPOINTS)
    if is_disabled or exporter == "none" or not asked:
        return Tracing()
    if exporter not in ("", "otlp"):
        raise ServeError(f"{_EXPORTER}={exporter}: not supported; otlp and none are")
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _HTTP)
    if protocol != _HTTP:
        raise ServeError(f"{_PROTOCOLS[1]}={protocol}: not supported; {_HTTP} is")
    with needing("tracing"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    named = {} if environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return RecordedTracing(provider)


class RecordedTracing(Tracing):
    """Makes spans by a provider of OpenTelemetry's SDK."""

    is_on = True

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_SCOPE)

    @contextmanager
    def span(self, name: str, links: Sequence[str] = ()) -> Iterator[Span]:
        from opentelemetry.trace import Link, SpanKind

        others = [Link(_context_of(each)) for each in links]
        span = self._tracer.start_span(
            name, _parent(current_traceparent()), kind=SpanKind.SERVER, links=others
        )
        recorded = _RecordedSpan(span)
        try:
            with within(recorded.traceparent):
                yield recorded
        except (ParleyError, asyncio.CancelledError) as err:
            recorded.fail(err)
            raise
        finally:
            span.end()

    def close(self) -> None:
        # A collector that does not answer must not keep the process.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)


@dataclass
class _RecordedSpan(Span):
    _span: Any

    def __post_init__(self) -> None:
        made = self._span.get_span_context()
        self.traceparent = f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}"

    def note(self, **attributes: Value | None) -> None:
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(ATTRIBUTES[name], value)

    def fail(self, error: BaseException) -> None:
        """Only what kind of error it was. A client that leaves, or errs, is no error of ours."""
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", type(error).__name__)
        if isinstance(error, ParleyError) and error.status >= 500:
            self._span.set_status(StatusCode.ERROR)


# Where OpenTelemetry has a name for a thing, it is that.
ATTRIBUTES = {
    "model": "gen_ai.request.model",
    "read_tokens": "gen_ai.usage.input_tokens",
    "written_tokens": "gen_ai.usage.output_tokens",
    "request_id": "parley.request_id",
    "language": "parley.language",
    "route": "parley.route",
    "turns": "parley.turns",
    "is_stream": "parley.stream",
    "queue_seconds": "parley.queue.seconds",
    "first_byte_seconds": "parley.first_byte.seconds",
    "degraded": "parley.degraded",
}


def _parent(traceparent: str) -> Any:
    """OpenTelemetry's context with this parent; an empty one begins a trace."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    if not traceparent:
        return Context()
    return set_span_in_context(NonRecordingSpan(_context_of(traceparent)), Context())


def _context_of(traceparent: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace, span, flags = traceparent.split("-")
    known = TraceFlags(int(flags, 16) & _FLAGS)
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=known)
