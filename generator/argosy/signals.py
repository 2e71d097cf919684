"""Signals: each ends argosy as an error does, at once, but never between two steps that are no use by half."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NoReturn

_SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


def heed() -> None:
    """Let SIGTERM and SIGHUP end argosy as Ctrl-C does, so that nothing is left behind, unless they are ignored."""
    if hasattr(signal, "pthread_kill"):
        _wake_main_thread()
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _exit)


def ignore() -> None:
    """Let no signal disturb the last steps of a process whose exit code is decided."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _exit(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


@cache
def _wake_main_thread() -> None:
    """Have a thread wake the main one after each signal.

    Python tells the main thread alone of a signal, which it hears between two of its own steps: where it waits for
    another thread or process and the system gave the signal to a thread that does not, or a moment before the wait
    began, it would sleep on.
    """
    main = threading.main_thread()
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    signal.signal(signal.SIGURG, lambda *_: None)  # Which is else ignored, and so would wake nobody.

    def wake() -> None:
        while numbers := os.read(told, 1):
            # More than once: the first may come too early as well, on a busy machine by seconds.
            for pause in (*[0.05] * 20, *[0.5] * 60) if numbers[0] in _SIGNALS else ():
                if main.ident and main.is_alive():
                    signal.pthread_kill(main.ident, signal.SIGURG)
                time.sleep(pause)

    threading.Thread(target=wake, daemon=True).start()


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
