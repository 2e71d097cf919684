"""Temporary folders and drafts that are gone afterwards, even when a signal ends argosy."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def write(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file as a whole, or not at all; raise OSError. No link is followed, whoever put it there."""
    # Of a name that nobody can foresee: a stranger's repository may hold a link of any other.
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(draft, flags, mode), "wb") as stream:
            stream.write(content)
        draft.replace(file)
    except BaseException:
        with undisturbed(), suppress(OSError):
            draft.unlink()
        raise
