"""What a repository takes from elsewhere: charts, other Git repositories, OCI artifacts, as they were fetched.

Nothing opens a connection but within `fetching_what_lacks`, and that is entered only when somebody asks for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from argosy.errors import ArgosyError
from argosy.remote import held, locking
from argosy.remote.locking import Lock, Locked, LockError
from argosy.remote.pins import COMMAND, Kind, Pin, of_base, of_chart, of_source

__all__ = [
    "COMMAND",
    "Fetched",
    "Kind",
    "Lock",
    "Pin",
    "fetching_what_lacks",
    "folder",
    "follow",
    "is_locked",
    "known",
    "locking",
    "locks",
    "next_step",
    "of_base",
    "of_chart",
    "of_source",
    "trouble",
]


@dataclass(slots=True)
class Fetched:
    """What became of each pin that was looked for."""

    say: Callable[[Pin], None]
    """Called with each pin before it is fetched."""
    is_wanted: Callable[[Pin], bool]
    """Whether a pin is fetched although it was fetched before."""
    renews: bool = False
    """Whether what is locked counts for nothing, since it is to be locked anew."""
    there: dict[Pin, Path] = field(default_factory=dict)
    new: set[Pin] = field(default_factory=set)
    failed: dict[Pin, ArgosyError] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def folder(self, pin: Pin) -> Path | None:
        """Return the folder with what a pin brought, fetched where it has to be; None where that failed.

        Raise LockError where it is something else than what is locked.
        """
        with self.guard:
            if pin in self.there or pin in self.failed:
                return self.there.get(pin)
            locked = None if self.renews else _lock.get(pin)
            found = None if self.is_wanted(pin) else held.folder(pin, locked.digest if locked else "")
            if found is None:
                from argosy.remote import fetching  # noqa: PLC0415

                self.say(pin)
                try:
                    found = fetching.fetch(pin, locked)
                    self.new.add(pin)
                except LockError:
                    raise
                except ArgosyError as error:
                    self.failed[pin] = error
                    return held.folder(pin, locked.digest if locked else "")
            self.there[pin] = found
            return found

    def lock(self) -> Lock:
        """Return what there is, to be locked; of what failed, what is locked."""
        there = {pin: Locked(place.name, held.resolved(pin)) for pin, place in self.there.items()}
        return there | {pin: _lock[pin] for pin in self.failed if pin in _lock}


_lock: Lock = {}
"""What is locked by the repository that is looked at."""
_asked: Fetched | None = None
"""What is fetched meanwhile; None where nothing is."""


@contextmanager
def fetching_what_lacks(
    say: Callable[[Pin], None] = lambda _: None,
    is_wanted: Callable[[Pin], bool] = lambda _: False,
    *,
    renews: bool = False,
) -> Iterator[Fetched]:
    """Fetch what is looked for and was not fetched before, meanwhile; and what is wanted anew."""
    global _asked  # noqa: PLW0603 - threads are to see it
    before, _asked = _asked, Fetched(say, is_wanted, renews)
    try:
        yield _asked
    finally:
        _asked = before


def follow(lock: Lock) -> None:
    """Have what a repository locks count, as long as no other is looked at."""
    global _lock  # noqa: PLW0603 - threads are to see it
    _lock = lock


def is_locked(pin: Pin) -> bool:
    """Return whether the repository that is looked at locks a pin."""
    return pin in _lock


def locks() -> bool:
    """Return whether the repository that is looked at locks anything."""
    return bool(_lock)


def folder(pin: Pin) -> Path | None:
    """Return the folder with what a pin brought, or what is locked; None where it was not fetched."""
    return _asked.folder(pin) if _asked else known(pin)


def known(pin: Pin) -> Path | None:
    """Return the folder with what a pin brought before, or what is locked; None where it is not here."""
    return held.folder(pin, _lock[pin].digest if pin in _lock else "")


def next_step(pin: Pin, unasked: str) -> str:
    """Return what to do about what is not here: as told where it was asked for in vain, else what is given."""
    return _asked.failed[pin].hint if _asked and pin in _asked.failed else unasked


def trouble(pin: Pin) -> str:
    """Return why what is pinned is not here, and what to do."""
    if _asked and pin in _asked.failed:
        return _asked.failed[pin].message.rstrip(".")
    from argosy.remote import fetching  # noqa: PLC0415

    try:
        fetching.refuse(pin)
    except ArgosyError as error:
        why = error.message.partition("is not fetched: ")[2] or error.message
        return f"it is not fetched: {why.rstrip('.')}. {error.hint.rstrip('.')}"
    return f"it was not fetched ({COMMAND} brings it)"
