"""The parts of an application and how each is: pure functions from a snapshot of a namespace."""
