"""How a model generates text: one class an engine, one small interface."""
