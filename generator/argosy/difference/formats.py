"""The formats of a difference. Each is one module of this package, `as_<format>`."""

from __future__ import annotations

from enum import StrEnum

from argosy.difference import as_json, as_markdown, as_text
from argosy.difference.comparison import Difference
from argosy.difference.noise import Noise

__all__ = ["Noise", "OutputFormat", "format_difference"]


class OutputFormat(StrEnum):
    """A format of differences."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def format_difference(
    difference: Difference,
    output: OutputFormat,
    *,
    colour: bool = False,
    limit: int | None = None,
    noise: Noise = Noise.FOLD,
    link: str = "",
) -> str:
    """Return a difference as text, the same for the same difference.

    `limit`, in characters, and `link`, where there is the whole of it, are of Markdown alone. JSON has all, whatever
    `noise` says.
    """
    if output is OutputFormat.MARKDOWN:
        return as_markdown.format_difference(difference, limit, noise, link)
    if output is OutputFormat.JSON:
        return as_json.format_difference(difference)
    return as_text.format_difference(difference, colour=colour, noise=noise)
