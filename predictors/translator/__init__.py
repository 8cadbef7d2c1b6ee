"""Translates one field of an instance into another."""
