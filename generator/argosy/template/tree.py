"""A tree in memory, as the template gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree: its bytes, and whether it can be run."""

    content: bytes
    executable: bool = False
    layer: str = ""
    """Which layer wrote it, with its version; "" for the built-in template."""
    template: str = ""
    """The layer's file that it is from."""


Tree = Mapping[str, File]
"""Path, relative with `/` between the parts -> file."""
