"""The processes that argosy starts, as Linux lists them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
PATIENCE = 120
"""After how many seconds a test that hangs is given up."""


def children(parent: int) -> Iterator[tuple[int, float]]:
    """Yield the processes that a process has started and that run, each with its seconds of CPU."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid, *rest = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended meanwhile.
        if int(ppid) == parent and state != "Z":
            yield int(place.parent.name), (int(rest[9]) + int(rest[10])) / os.sysconf("SC_CLK_TCK")


def busy_child(parent: int) -> int:
    """Return a child that has done more than starting; -1 where the parent ends before it has one."""
    return until(lambda: next((pid for pid, seconds in children(parent) if seconds > 0.3), -1 if gone(parent) else 0))


def gone(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until(get: Callable[[], T]) -> T:
    """Return what is got, as soon as it is something."""
    end = time.monotonic() + PATIENCE
    while not (found := get()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.03)  # To look at all processes takes 3 ms.
    return found
