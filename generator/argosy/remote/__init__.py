"""What a repository takes from elsewhere: charts, other Git repositories, OCI artifacts, as they were fetched.

Nothing opens a connection but within `fetching_what_lacks`, and that is entered only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from argosy.errors import ArgosyError
from argosy.remote import held
from argosy.remote.pins import COMMAND, Kind, Pin, of_base, of_chart, of_source

__all__ = [
    "COMMAND",
    "Fetched",
    "Kind",
    "Pin",
    "fetching_what_lacks",
    "folder",
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
    there: dict[Pin, Path] = field(default_factory=dict)
    new: set[Pin] = field(default_factory=set)
    failed: dict[Pin, ArgosyError] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def folder(self, pin: Pin) -> Path | None:
        """Return the folder with what a pin brought, fetched where it has to be; None where that failed."""
        with self.lock:
            if pin in self.there or pin in self.failed:
                return self.there.get(pin)
            found = None if self.is_wanted(pin) else held.folder(pin)
            if found is None:
                from argosy.remote import fetching  # noqa: PLC0415

                self.say(pin)
                try:
                    found = fetching.fetch(pin)
                    self.new.add(pin)
                except ArgosyError as error:
                    self.failed[pin] = error
                    return held.folder(pin)
            self.there[pin] = found
            return found


_asked: Fetched | None = None
"""What is fetched meanwhile; None where nothing is."""


@contextmanager
def fetching_what_lacks(
    say: Callable[[Pin], None] = lambda _: None, is_wanted: Callable[[Pin], bool] = lambda _: False
) -> Iterator[Fetched]:
    """Fetch what is looked for and was not fetched before, meanwhile; and what is wanted anew."""
    global _asked  # noqa: PLW0603 - threads are to see it
    before, _asked = _asked, Fetched(say, is_wanted)
    try:
        yield _asked
    finally:
        _asked = before


def folder(pin: Pin) -> Path | None:
    """Return the folder with what a pin brought; None where it was not fetched."""
    return _asked.folder(pin) if _asked else held.folder(pin)


def trouble(pin: Pin) -> str:
    """Return why what is pinned is not here, and what to do."""
    failed = _asked.failed.get(pin) if _asked else None
    return failed.message.rstrip(".") if failed else f"it was not fetched ({COMMAND} brings it)"
