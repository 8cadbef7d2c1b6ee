"""The HTTP door of a predictor: its handler, health, middleware and log lines."""
