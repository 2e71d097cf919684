"""The site of the documentation, as a person reads it: search, both themes, a phone, and no other server asked."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Browser, faults

SITE = Path(__file__).parents[2] / "build" / "site"
PAGES = ("", "tutorial/", "how-to/promote/", "reference/add-app/", "rules/image-tag/", "settings/", "comparison/")
REACHED = (
    "return [...document.querySelectorAll('pre > code')].every(e => e.scrollWidth <= e.clientWidth || e.tabIndex == 0)"
)
"""Whether the keyboard reaches all code that is wider than the page."""


@pytest.fixture
def site(web: tuple[Path, str]) -> str:
    """Return the address of the site, among its versions as it is published."""
    folder, url = web
    assert (SITE / "index.html").exists(), "make site"
    (folder / "dev").symlink_to(SITE, target_is_directory=True)
    (folder / "versions.json").write_text(json.dumps([{"version": "dev", "title": "dev", "aliases": []}]))
    return f"{url.rstrip('/')}/dev/"


def show(browser: Browser, address: str, width: int = 1200) -> None:
    browser.driver.get("about:blank")
    browser.complaints.clear()
    browser.driver.set_window_size(width, 900)
    browser.driver.get(address)
    browser.until(lambda: browser.text("h1"))


def asked(browser: Browser) -> set[str]:
    """Return which servers the page asked for anything."""
    found = browser.script("return performance.getEntriesByType('resource').map(each => each.name)")
    assert isinstance(found, list)
    return {urlsplit(each).netloc for each in found if urlsplit(each).netloc}


def test_no_page_asks_another_server_nor_is_too_wide(browser: Browser, site: str) -> None:
    for page in PAGES:
        show(browser, site + page, width=400)
        assert browser.complaints == [], page
        assert asked(browser) == {urlsplit(site).netloc}, page
        wide = browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, page


def test_a_search_finds_commands_rules_and_words(browser: Browser, site: str) -> None:
    show(browser, site)
    field = browser.all(".md-search__input")[0]
    field.click()
    for words, place in (
        ("add app", "reference/add-app/"),
        ("sync-option-unknown", "rules/sync-option-unknown/"),
        ("network policy", "how-to/guardrails/"),
    ):
        field.clear()
        field.send_keys(words)
        browser.until(lambda place=place: any(place in each for each in found(browser)))  # type: ignore[misc]
    # Of many pages with these words, one that says what to do is first.
    assert "how-to/guardrails/" in found(browser)[0]


def found(browser: Browser) -> list[str]:
    """Return where the results of a search lead."""
    code = "return [...document.querySelectorAll('.md-search-result__link')].map(each => each.href)"
    links = browser.script(code)
    assert isinstance(links, list)
    return links


def test_both_themes_keep_nobody_out(browser: Browser, site: str) -> None:
    show(browser, site)
    schemes = set()
    for _ in range(3):
        scheme = browser.script("return document.body.dataset.mdColorScheme")
        if scheme not in schemes:
            browser.until(lambda: browser.script(REACHED))  # The theme does so a little later.
            # Two landmarks of one name are the theme's, and keep nobody out.
            assert [each for each in faults(browser) if not each.startswith("landmark-unique")] == [], scheme
        schemes.add(scheme)
        next(each for each in browser.all("label[for^=__palette]") if each.is_displayed()).click()
    assert schemes == {"default", "slate"}


def test_programs_find_the_pages(site: str) -> None:
    listed = (SITE / "llms.txt").read_text(encoding="utf-8")
    paths = [line.rpartition("/argosy/")[2].rstrip(")") for line in listed.splitlines() if line.startswith("- [")]
    assert len(paths) > 200
    assert all((SITE / path).is_file() for path in paths)
    assert "argosy promote" in (SITE / "llms-full.txt").read_text(encoding="utf-8")
    assert not any("[[[cog" in (SITE / path).read_text(encoding="utf-8") for path in paths)
