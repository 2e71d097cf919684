"""The formats of a difference. Each is one module of this package, `as_<format>`."""

from __future__ import annotations

from enum import StrEnum

from argosy.difference import as_json, as_markdown, as_text
from argosy.difference.comparison import Difference


class OutputFormat(StrEnum):
    """A format of differences."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def format_difference(
    difference: Difference, output: OutputFormat, *, colour: bool = False, limit: int | None = None
) -> str:
    """Return a difference as text, the same for the same difference; `limit` is in characters, of Markdown alone."""
    if output is OutputFormat.MARKDOWN:
        return as_markdown.format_difference(difference, limit)
    return (
        as_json.format_difference(difference)
        if output is OutputFormat.JSON
        else as_text.format_difference(difference, colour=colour)
    )
