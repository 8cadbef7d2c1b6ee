"""Answers in English."""
