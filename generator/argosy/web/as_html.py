"""The page as HTML: one file that holds all, or a folder whose parts are fetched when they are looked at."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from argosy.graph import as_svg
from argosy.web.model import Details, Everything, plain

FOLDER = Path(__file__).parent / "assets"
INDEX = "index.html"
DATA = "data"
"""The folder of a page's parts."""
LARGEST_CHUNK = 256 * 1024
"""How many characters of details are unpacked at once, about: a few milliseconds' worth."""


def written(everything: Everything, *, apart: bool = False, follow: bool = False) -> Mapping[str, bytes]:
    """Return the page's files by their paths: `index.html` alone, or with parts of it apart.

    Where the page is followed, it asks whoever serves it whether there is a newer one.
    """
    several = [*_chunks(everything.details)]
    packed = [gzip.compress(_json(plain(each)).encode(), mtime=0) for each in (everything.tree, *several)]
    place = {each.name: number for number, chunk in enumerate(several, 1) for each in chunk}
    rows = [replace(each, chunk=place[each.name]) for each in everything.page.rows]
    page = plain(replace(everything.page, rows=rows))
    style, script = _asset("page.css") + as_svg.STYLE, _asset("page.js")
    connects = "'self'" if apart or follow else "'none'"
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; connect-src {connects}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    index = _template().render(
        **{name: page.get(name, "") for name in ("title", "version", "branch", "commit", "made")},
        policy=policy,
        style=style,
        script=script,
        data=_harmless(_json(page)),
        pictures=everything.pictures,
        chunks=[] if apart else [base64.b64encode(each).decode() for each in packed],
        follow=follow,
    )
    parts = {f"{DATA}/{number}.bin": each for number, each in enumerate(packed)} if apart else {}
    return {INDEX: index.encode(), **parts}


def _chunks(details: Sequence[Details]) -> Iterator[Sequence[Details]]:
    """Yield details, as many at once as are unpacked together."""
    held: list[Details] = []
    size = 0
    for each in details:
        own = sum(len(resource.text) for one in each.applied for resource in one.resources)
        if held and size + own > LARGEST_CHUNK:
            yield held
            held, size = [], 0
        held, size = [*held, each], size + own
    if held:
        yield held


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _harmless(text: str) -> str:
    """Return JSON that ends no element of HTML, and says the same."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_asset("page.html.jinja"))
