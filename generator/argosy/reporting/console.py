"""Text for people, made by rich: the same in every terminal, however narrow."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType
from rich.table import Table


def table(*columns: str) -> Table:
    """Return a table without lines."""
    return Table(*columns, box=None, pad_edge=False, header_style="bold")


def written(blocks: Iterable[RenderableType], *, colour: bool) -> str:
    """Return blocks one below the other, with a newline at the end and no blanks at the ends of lines."""
    stream = StringIO()
    console = Console(
        file=stream,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        # A terminal wraps long lines better than rich cuts them. Both sizes are given, or rich asks the environment.
        soft_wrap=True,
        width=100_000,
        height=100,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for block in blocks:
        console.print(block)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())
