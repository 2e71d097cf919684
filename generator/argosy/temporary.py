"""Temporary folders that are gone afterwards, even when a signal ends argosy."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argosy.signals import undisturbed


@contextmanager
def folder(purpose: str) -> Iterator[Path]:
    """Yield a new folder that nobody else can read, and remove it."""
    with undisturbed():  # The first time, Python tries folders out by writing into them.
        place = tempfile.gettempdir()
    path = Path(place, f"argosy-{purpose}-{secrets.token_hex(8)}")
    try:
        path.mkdir(mode=0o700)
        yield path
    finally:
        with undisturbed():
            shutil.rmtree(path, ignore_errors=True)
