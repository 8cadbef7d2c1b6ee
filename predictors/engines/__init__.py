"""Engines generate text: one class each, behind one small interface."""
