"""Kubernetes YAML read into frozen dataclasses, and what KServe's webhook refuses in it."""
