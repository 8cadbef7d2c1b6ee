"""Reads what a checkpoint says of itself."""
