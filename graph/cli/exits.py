"""What a command's exit code says, to a person and to a script."""

from __future__ import annotations

from graph.errors import NoCluster, NotInstalled, NotReady, ParleyError, SpecError, TimedOut

FAILED, USAGE, NOT_READY, INTERRUPTED = 1, 2, 3, 130

MEANINGS = "Exit codes: 0 ok, 1 failed, 2 wrong usage or file, 3 not ready."


def exit_code(err: ParleyError) -> int:
    """The code of a command that an error has ended."""
    if isinstance(err, SpecError | NotInstalled | NoCluster):
        return USAGE
    if isinstance(err, NotReady | TimedOut) or err.status == 503:
        return NOT_READY
    return FAILED
