"""The HTTP server of both doors: heads, bodies, start and stop, and its description."""
