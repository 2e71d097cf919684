"""What terminals and CI servers obey in the midst of text, such as escape sequences and `::error`, made harmless."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO

UNSEEN = (
    "\x85\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What changes the direction of text, or is a line of its own to some readers, or is not seen at all.

Not so U+200D and U+FE0F, which emoji need.
"""
_UNPRINTABLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    f"{UNSEEN}"
    # What UTF-8 and XML do not have.
    "\ud800-\udfff\ufffe\uffff"
)
_COMMAND = r"(?P<mark>#)(?=#\[|#vso\[|#teamcity\[)"
"""How commands of Azure Pipelines, of GitHub's runner and of TeamCity begin, anywhere in a line."""
_OWN = r"(?P<own>::(?:error|warning) )"
_STYLE = r"(?P<style>\x1b\[(?:[0-2]|22|3[1-79])?(?:;(?:[0-2]|22|3[1-79]))*m)"
"""What argosy itself paints with: bold, dim, and colours of letters, none of which hides anything."""
_AT_START = rf"^(?P<blank>(?:[^\S\n]|{_STYLE.replace('style', 'styles')})*)(?P<first>:)(?=:)"
"""How a command of GitHub's runner begins a line."""
_TEXT = re.compile(f"[{_UNPRINTABLE}]")
_OBEYED = re.compile(f"[{_UNPRINTABLE}]|{_COMMAND}|^(?P<blank>[^\\S\\n]*)(?P<first>:)(?=:)", re.MULTILINE)
_STREAM = re.compile(f"{_AT_START}|{_STYLE}|[{_UNPRINTABLE}]|{_COMMAND}", re.MULTILINE)
_ANNOTATED = re.compile(f"^{_OWN}|{_STREAM.pattern}", re.MULTILINE)


def printable(text: str) -> str:
    r"""Return text with what is not seen, or obeyed, or forbidden in XML, written like `\u001b`."""
    return _TEXT.sub(lambda match: escaped(match[0]), text.replace("\r\n", "\n"))


def without_logins(text: str) -> str:
    """Return text whose URLs name no user of a web server, which may be a token, and no password."""
    return _PASSWORD.sub(r"\1@", _LOGIN.sub(r"\1", text))


_LOGIN = re.compile(r"(?i)\b(https?://)[^\s/@?#“”\"']+@")
_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s/:@]*):[^\s/@]+@")


def is_obeyed(text: str) -> bool:
    """Return whether a terminal or a CI server might take some of the text for a command."""
    return _OBEYED.search(text) is not None


def escaped(character: str) -> str:
    """Return a character as JSON escapes it, so that what is JSON says the same as before."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _harmless(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found.get("own") or found["style"]:
        return match[0]
    if found["first"]:
        return _STREAM.sub(_harmless, found["blank"]) + escaped(":")
    return escaped(match[0])


def harmless(text: str) -> str:
    """Return text as a guarded stream writes it: nothing that is obeyed, but for argosy's own colours."""
    return _STREAM.sub(_harmless, text.replace("\r\n", "\n"))


def colour_wanted() -> bool | None:
    """Return whether the environment asks for colours or forbids them; None where the stream decides.

    https://no-color.org, https://bixense.com/clicolors, https://force-color.org
    """
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(each, "0").lower() not in {"", "0", "false"} for each in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    return False if os.environ.get("CLICOLOR") == "0" or os.environ.get("TERM") == "dumb" else None


def has_colour(stream: TextIO) -> bool:
    """Return whether a stream is written to in colour: a terminal, unless the environment says otherwise."""
    wanted = colour_wanted()
    return stream.isatty() if wanted is None else wanted


_guarding: re.Pattern[str] | None = _STREAM


@contextmanager
def annotating() -> Iterator[None]:
    """Let lines that begin with `::error ` or `::warning ` be GitHub's annotations, which they are meant to be."""
    with _instead(_ANNOTATED):
        yield


@contextmanager
def drawing() -> Iterator[None]:
    """Let a progress bar move the cursor, where nothing else is printed."""
    with _instead(None):
        yield


@contextmanager
def _instead(pattern: re.Pattern[str] | None) -> Iterator[None]:
    global _guarding  # noqa: PLW0603 - it holds for all that the process prints
    before, _guarding = _guarding, pattern
    try:
        yield
    finally:
        _guarding = before


def guard(stream: TextIOWrapper) -> None:
    """Have a stream write nothing that is obeyed, but for argosy's own colours."""
    write = stream.write

    def guarded(text: str) -> int:
        write(_guarding.sub(_harmless, text.replace("\r\n", "\n")) if _guarding else text)
        return len(text)

    stream.write = guarded  # type: ignore[method-assign]
