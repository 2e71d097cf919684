"""Pages: the documentation that travels with argosy, by topic, as a terminal shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from argosy.errors import ArgosyError

PARTS = (
    *("tutorial.md", "how-to", "production.md", "explanation", "comparison.md", "faq.md", "troubleshooting.md"),
    *("reference.md", "settings.md", "files.md", "environment.md", "json.md", "api.md"),
)
"""What of `docs/` the wheel carries: what users read, and `argosy rules` does not print."""

_PACKAGED = Path(__file__).parent / "_docs"
_CHECKOUT = Path(__file__).parents[2] / "docs"
_CODE = re.compile(r"(?ms)^```.*?^```$")
_COMMENT = re.compile(r"(?s)<!--.*?-->\n?")
_PICTURE = re.compile(r"(?m)^!\[[^\]]*\]\([^)]*\)\n\n?")
_LINK = re.compile(r"\[([^\]\[]+)\]\(([^()\s]+)\)")


def topics() -> Mapping[str, Path]:
    """Return the page of each topic by its name; raise ArgosyError where this installation has none."""
    root = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    listed = (root / part for part in PARTS)
    found = [file for each in listed for file in (sorted(each.glob("*.md")) if not each.suffix else [each])]
    if not all(file.is_file() for file in found):
        raise ArgosyError("This installation of argosy holds no pages.", "Install it again, from where you had it.")
    return {file.stem: file for file in found}


def title(page: Path) -> str:
    """Return a page's heading."""
    with page.open(encoding="utf-8") as file:
        return file.readline().removeprefix("# ").strip()


def plain(page: Path) -> str:
    """Return a page's text without comments, and with commands in place of links to other pages."""
    return with_links(_PICTURE.sub("", without_comments(page.read_text(encoding="utf-8"))), _target)


def without_comments(text: str) -> str:
    """Return Markdown without its comments, such as the code that writes a part of it."""
    return _COMMENT.sub("", text)


def with_links(text: str, change: Callable[[re.Match[str]], str]) -> str:
    """Return Markdown with its links changed, whose groups are label and target; what is in code stays."""
    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_LINK.sub(change, text[end : code.start()]), code.group()]
        end = code.end()
    return "".join((*parts, _LINK.sub(change, text[end:])))


def _target(link: re.Match[str]) -> str:
    text, target = link.groups()
    if "://" in target:
        return f"{text} ({target})"
    page = Path(target.partition("#")[0])
    if page.name == "rules.md":
        return f"{text} (argosy rules)"
    return f"{text} (argosy help {page.stem})" if page.stem in topics() else text
