"""The site: what MkDocs shows besides the files of docs/, where their links lead, and what programs read of it.

The README is the first page. A page with a section for each command or rule becomes a page for each of them.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure import StructureItem
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "generator"))
from argosy import pages  # noqa: E402

SOURCE = "https://github.com/argosy-gitops/argosy/blob/main/"
ABOVE = {
    "README.md": "index.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "benchmarks/README.md": "project/benchmarks.md",
}
"""The pages that do not lie in docs/: by their path in the repository, their place on the site."""
APART = {"reference.md": re.compile(r"`argosy (.*)`"), "rules.md": re.compile(r"(.*)")}
"""The pages whose sections become pages, and how these are named."""

RANKS = {"rules/": 0.5, "project/": 0.2}
"""How much less than others the pages of a folder are worth to a search: most have many words of few topics."""

_MARKDOWN: dict[str, str] = {}
"""What each page of this build says, by its place."""
_CHAPTERS: dict[str, list[str]] = {}
"""The places of the pages of each chapter."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of sections below theirs in the navigation."""
    _MARKDOWN.clear()
    _CHAPTERS.clear()
    _sections.cache_clear()
    config.nav = _with_sections(config.nav)
    return config


def _with_sections(nav: Any) -> Any:
    if isinstance(nav, list):
        return [_with_sections(each) for each in nav]
    if not isinstance(nav, dict):
        return nav
    [(title, place)] = nav.items()
    if isinstance(place, str) and place in APART:
        return {title: [{"Overview": place}, *(f"{Path(place).stem}/{name}.md" for name in _sections(place)[1])]}
    return {title: _with_sections(place)}


@cache
def _sections(page: str) -> tuple[str, Mapping[str, str]]:
    """Return what stands above a page's sections, and the text of each section that becomes a page."""
    above, *parts = re.split(r"(?m)^## ", pages.without_comments((ROOT / "docs" / page).read_text(encoding="utf-8")))
    found = {}
    for part in parts:
        title, _, text = part.partition("\n")
        if named := APART[page].fullmatch(title):
            found[named[1].replace(" ", "-")] = f"# {title.strip('`')}\n{text}"
        else:
            above += f"## {part}"
    return above, found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from elsewhere, and those of sections."""
    for path, place in ABOVE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    for page in APART:
        for name, text in _sections(page)[1].items():
            files.append(File.generated(config, f"{Path(page).stem}/{name}.md", content=text))
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:  # noqa: ARG001
    """Note which pages each chapter has."""

    def places(item: StructureItem) -> list[str]:
        if isinstance(item, Page):
            return [item.file.src_uri]
        return [place for each in item.children for place in places(each)] if isinstance(item, Section) else []

    _CHAPTERS.update((item.title or "", places(item)) for item in nav.items)
    return nav


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Return a page without what is for cog and GitHub alone, its links leading where the site has what they mean."""
    place, text = page.file.src_uri, markdown
    page.meta["search"] = {"boost": next((rank for folder, rank in RANKS.items() if place.startswith(folder)), 1)}
    if place in APART:
        text = _sections(place)[0]
    origin = next((path for path, each in ABOVE.items() if each == place), f"docs/{place}")
    if (folder := place.partition("/")[0]) + ".md" in APART and "/" in place:
        origin = f"docs/{folder}.md"

    def target(link: re.Match[str]) -> str:
        label, to = link.groups()
        return f"[{label}]({_target(to, origin, place)})"

    _MARKDOWN[place] = pages.with_links(pages.without_comments(text), target)
    return _MARKDOWN[place]


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _target(link: str, origin: str, place: str) -> str:
    """Return where a link of a file leads on the site, from a page there."""
    path, _, anchor = link.partition("#")
    if "://" in link or link.startswith("mailto:"):
        return link
    repository = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path)) if path else origin
    on_site = ABOVE.get(repository, repository.removeprefix("docs/") if repository.startswith("docs/") else "")
    name = anchor.removeprefix("argosy-") if on_site == "reference.md" else anchor
    if on_site in APART and name in _sections(on_site)[1]:
        on_site, anchor = f"{Path(on_site).stem}/{name}.md", ""
    if not on_site or on_site.endswith((".py", ".yaml")):
        assert (ROOT / repository).exists(), f"{origin}: {link}"
        return f"{SOURCE}{repository}"
    relative = posixpath.relpath(on_site, posixpath.dirname(place) or ".") if on_site != place else ""
    return f"{relative}#{anchor}" if anchor else relative


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Give the search a name, which the theme forgot."""
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )


def on_post_build(config: MkDocsConfig) -> None:
    """Write what programs read: each page's Markdown beside it, a list of all of them, and all of them in one file."""
    site, address = Path(config.site_dir), (config.site_url or "").rstrip("/")
    listed = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for chapter, places in _CHAPTERS.items():
        listed += [f"## {chapter}", ""]
        for place in places:
            text = _MARKDOWN[place]
            (site / place).parent.mkdir(parents=True, exist_ok=True)
            (site / place).write_text(text, encoding="utf-8")
            listed.append(f"- [{_title(text)}]({address}/{place})")
        listed.append("")
    whole = (_MARKDOWN[place] for places in _CHAPTERS.values() for place in places)
    (site / "llms.txt").write_text("\n".join(listed), encoding="utf-8")
    (site / "llms-full.txt").write_text("\n\n".join(whole), encoding="utf-8")
