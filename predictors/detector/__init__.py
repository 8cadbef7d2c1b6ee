"""Finds the language of a message."""
