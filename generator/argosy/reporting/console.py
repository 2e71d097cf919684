"""Text for people, made by rich: tables fit the terminal, and text is the same in every one, however narrow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType
from rich.table import Table


def table(*columns: str) -> Table:
    """Return a table without lines, in which nothing is ever cut off."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for column in made.columns:
        column.overflow = "fold"
    return made


def _terminal_width() -> int:
    """Return the width of the terminal that standard output is; what is piped or redirected has no end."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _ENDLESS
    except (OSError, ValueError, AttributeError):
        return _ENDLESS


_ENDLESS = 100_000


def written(blocks: Iterable[RenderableType], *, colour: bool) -> str:
    """Return blocks one below the other, with a newline at the end and no blanks at the ends of lines."""
    stream = StringIO()
    console = Console(
        file=stream,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        # Both sizes are given, or rich asks the environment.
        width=_terminal_width(),
        height=100,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for block in blocks:
        # A terminal wraps long lines of text better than rich cuts them, and the cells of a table worse.
        console.print(block, soft_wrap=not isinstance(block, Table))
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())
