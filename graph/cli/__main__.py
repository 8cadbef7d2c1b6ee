"""`python -m graph.cli`, and the script `parley`: the command line as a process of its own.

Nothing heavy is imported before Ctrl-C has its meaning: until a command runs there is nothing to
clean up, and a traceback would tell nobody anything.
"""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run one command. Ctrl-C before it and after it ends the process at once and silently."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from graph.cli.main import main as run

    signal.signal(signal.SIGINT, interrupt)
    try:
        return run()
    finally:
        if interrupt is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
