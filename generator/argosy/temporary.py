"""Temporary folders that are gone afterwards, even when a signal ends argosy."""

from __future__ import annotations

import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C and its like until a few quick steps are done that are no use by half."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python tells the main thread alone of signals.
        return
    held: list[int] = []
    handlers = {number: handler for number in _SIGNALS if callable(handler := signal.getsignal(number))}
    try:
        for number in handlers:
            signal.signal(number, lambda received, _: held.append(received))
        with _masked():
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


_SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


@contextmanager
def _masked() -> Iterator[None]:
    """Have processes that are started meanwhile hold signals back too.

    For this one it is not enough: its other threads take what the main thread does not.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
