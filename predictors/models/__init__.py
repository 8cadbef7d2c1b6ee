"""Finds, fetches and checks the weights of models."""
