"""Questions about paths that other people wrote: some no file system can have, and some are closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def holds(test: Callable[[], bool]) -> bool:
    """Return what a test such as `path.is_file` says; False for what cannot be a path, and within a closed folder."""
    try:
        return test()
    except (OSError, ValueError):
        return False


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted; nothing where it may not be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
