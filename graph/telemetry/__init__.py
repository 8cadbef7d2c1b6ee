"""What a process tells of its work to Prometheus and to OpenTelemetry."""
