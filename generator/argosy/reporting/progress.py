"""Show how far a long command is: a bar on standard error, for people who watch a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from argosy import terminal


@contextmanager
def progress(description: str, total: int, *, enabled: bool = True) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each of `total` steps, from any thread.

    The bar is there only while the block runs, and only if `enabled` (not --quiet) and standard error is a terminal.
    """
    if not (enabled and sys.stderr.isatty()):
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - it takes long to import, and pipes and CI never need it.
    from rich.progress import Progress  # noqa: PLC0415

    with terminal.drawing(), Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)
