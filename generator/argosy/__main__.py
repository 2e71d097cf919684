"""`argosy`, and `python -m argosy`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until a command begins there is nothing to take back, and Python would show where it was.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from argosy.cli import main

if __name__ == "__main__":
    main()
