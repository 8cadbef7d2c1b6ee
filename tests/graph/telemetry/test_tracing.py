"""When spans are made, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graph.errors import NotInstalled, ServeError
from graph.telemetry.trace_context import (
    current_traceparent,
    trace_fields,
    trace_headers,
    traceparent_of,
    within,
)
from graph.telemetry.tracing import read_tracing

AT = "http://127.0.0.1:4318"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OFF: list[dict[str, str]] = [
    {},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_SDK_DISABLED": "true"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_TRACES_EXPORTER": "none"},
]
ON: list[dict[str, str]] = [
    {"OTEL_EXPORTER_OTLP_ENDPOINT": AT},
    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{AT}/v1/traces"},
    {"OTEL_TRACES_EXPORTER": "otlp"},
    {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
]


@pytest.mark.parametrize("environ", OFF)
def test_it_is_off_unless_the_standard_variables_ask_for_it(environ: dict[str, str]) -> None:
    assert not read_tracing(environ, "chat").is_on


@pytest.mark.parametrize("environ", ON)
def test_they_turn_it_on(environ: dict[str, str]) -> None:
    tracing = read_tracing(environ, "chat")
    assert tracing.is_on
    tracing.close()


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin: not supported"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": AT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: not supported; http/protobuf is",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_its_name(
    environ: dict[str, str], problem: str
) -> None:
    with pytest.raises(ServeError, match=problem):
        read_tracing(environ, "chat")


def test_without_its_packages_one_line_says_how_to_have_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(NotInstalled, match=r"pip install 'parley\[tracing\]'"):
        read_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": AT}, "chat")


def test_where_it_is_off_the_sdk_is_not_imported() -> None:
    code = (
        "import sys, predictors.serving, graph.local.serve\n"
        "from graph.telemetry.tracing import read_tracing\n"
        "with read_tracing({}, 'chat').span('x') as span: span.note(turns=1)\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_what_belongs_to_a_trace_passes_it_on_in_header_and_turn() -> None:
    assert (current_traceparent(), trace_headers(), trace_fields()) == ("", {}, {})
    with within(TRACEPARENT), read_tracing({}, "chat").span("x"):
        assert trace_headers() == trace_fields() == {"traceparent": TRACEPARENT}
    assert trace_headers() == {}


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        TRACEPARENT.encode() + b"\n",
        b"x" * 10_000,
    ],
)
def test_a_header_that_is_malformed_counts_for_none(given: bytes) -> None:
    assert traceparent_of([(b"traceparent", given)]) == ""
    assert traceparent_of([(b"traceparent", TRACEPARENT.encode())]) == TRACEPARENT
