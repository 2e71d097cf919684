"""What root may do, and tests have to do without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_NOBODY = 65534


@contextmanager
def dropped() -> Iterator[None]:
    """Take from root, for a moment, the power to read everything; whoever else runs the tests has none."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
