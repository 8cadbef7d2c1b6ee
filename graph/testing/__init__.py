"""Stubbed services, golden cases and traces of a graph."""
