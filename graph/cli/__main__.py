"""The process `parley`, or `python -m graph.cli`: no traceback and no waiting, however it ends.

It imports the command line only after it has decided what Ctrl-C does meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """Run the command of `sys.argv`; the exit code."""
    # Nothing has begun yet that would need an end of its own.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from graph.cli.exits import INTERRUPTED
    from graph.cli.main import main as run

    code = run()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = _flush(code)
    if code == INTERRUPTED:
        # A thread that loads a model cannot be stopped, and Python would wait for it.
        os._exit(code)
    return code


def _flush(code: int) -> int:
    """Write out what stdout still holds: 1 where that fails, and Python does not try again."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except OSError as err:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(err, BrokenPipeError):
            print(f"parley: cannot write the answer: {err.strerror}", file=sys.stderr)
        return code or 1


if __name__ == "__main__":
    sys.exit(main())
