"""Tables fit the terminal that they are shown in, and lose nothing of what they hold."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.text import Text

from argosy.reporting import console

ROWS = [("argocd-image-updater", "1.2.4", "Writes new image versions of an environment's applications into Git.")]
ROWS.append(("ghcr.io/acme/a-name-without-any-blank-in-it-that-is-long", "v1", "Short."))


@contextmanager
def terminal(columns: int) -> Iterator[None]:
    """Have standard output be a terminal of so many columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(follower, "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield
    os.close(leader)


def shown() -> str:
    """Return a table and a long line."""
    table = console.table("component", "version", "what for")
    for row in ROWS:
        table.add_row(*row)
    return console.written([table, Text("word " * 40)], colour=False)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_table_is_as_wide_as_the_terminal_and_text_is_left_to_it(columns: int) -> None:
    with terminal(columns):
        *table, text = shown().splitlines()
    assert max(map(len, table)) <= columns
    assert text == ("word " * 40).rstrip()
    together = "".join("".join(table).split())
    # Folded within a column, every character is still there.
    assert all(together.count(each) >= "".join(map("".join, ROWS)).count(each) for each in "abcdefghij.-/'")
    assert "\N{HORIZONTAL ELLIPSIS}" not in together


def test_what_is_piped_has_a_line_for_each_row() -> None:
    assert len(shown().splitlines()) == 1 + len(ROWS) + 1
