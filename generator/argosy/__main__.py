"""`argosy`, and `python -m argosy`."""

import signal
from typing import NoReturn

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until a command begins there is nothing to take back, and Python would show where it was.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from argosy import cli, signals


def main() -> NoReturn:
    """Run argosy, and let no signal change what it has come to while it stops what it started."""
    try:
        cli.main()
    finally:
        signals.ignore()


if __name__ == "__main__":
    main()
