"""How findings are written: the formats, and what they depend on besides the findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TextIO

from argosy import terminal


class OutputFormat(StrEnum):
    """A format of findings. Each is one module of this package, `as_<format>`."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What people chose, and what the stream can show."""

    version: str
    """argosy's own, which SARIF names."""
    strict: bool = False
    """Skipped documents make the repository invalid."""
    verbose: bool = False
    """Text lists every render and every skipped document, not only the first few."""
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO, *, version: str, strict: bool = False, verbose: bool = False) -> Self:
        """Return the options that suit a stream: colour for a terminal alone, or as the environment says."""
        return cls(
            version=version,
            strict=strict,
            verbose=verbose,
            colour=terminal.has_colour(stream),
        )
