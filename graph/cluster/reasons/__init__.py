"""Why something on a cluster does not run: pure functions from its objects to a reason."""
