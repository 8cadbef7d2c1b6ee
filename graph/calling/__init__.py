"""How a turn is asked for over HTTP, and when it is asked for again."""
