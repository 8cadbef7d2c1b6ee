"""Rules of a turn: its limits and checks, its times, and why it was degraded."""
