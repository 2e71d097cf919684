"""What strangers wrote, in Markdown: pages of a host show it as it is, and call nobody, load nothing, end nothing."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from argosy.reporting.wording import code, in_markdown

MARKDOWN = MarkdownIt("commonmark").enable("table")
HOSTILE = [
    "@acme/everyone, please merge",
    "![x](https://thief.example/pixel.png)",
    "[click](javascript:alert(1))",
    "<img src=https://thief.example/x.png onerror=alert(1)>",
    "</details><script>alert(1)</script>",
    "``` \n\n# heading\n\n```",
    "a`b``c```d",
    "`",
    r"\|@acme | x",
    r"a\\|b | `c",
    "a | b\n| --- |\n",
    "<!-- argosy-diff -->",
    "\\`@acme\\`",
    "&lt;b&gt; &#64;acme",
    "\u202ereversed\x1b[31m",
    "*bold* _it_ ~~gone~~ #12 !12",
]


def shown(markdown: str) -> tuple[str, str]:
    """Return the text of a page, and what else is in its HTML but tables and code."""
    page = MARKDOWN.render(markdown)
    tags = re.sub(r"</?(?:table|thead|tbody|tr|th|td|code|p)>\n?", "", page)
    return html.unescape(re.sub("<[^>]*>", "", tags)).strip(), "".join(re.findall("<[^>]*>", tags))


def in_cells(first: str, second: str) -> str:
    return f"| a | b |\n| --- | --- |\n| {first} | {second} |\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text: str) -> None:
    for written in (in_markdown(text), code(text), in_cells(in_markdown(text), code(text))):
        assert shown(written)[1] == ""
    assert "\n" not in in_markdown(text) + code(text)
    assert not re.search(r"@(?!&ZeroWidthSpace;)", in_markdown(text))
    assert in_cells(in_markdown(text), code(text)).count("\n") == 3
    assert MARKDOWN.render(in_cells(in_markdown(text), code(text))).count("<td>") == 2
    assert MARKDOWN.render(in_cells(in_markdown(text), code(text))).count("<code>") == 1


@settings(max_examples=60)
@given(st.text("a`|\\ <>&@!*_~[]()#\n", min_size=1).filter(str.strip))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    plain = " ".join(text.split())
    assert shown(in_markdown(text)) == (plain.replace("@", "@\u200b"), "")
    assert shown(f"x {code(text, in_table=False)} x")[1] == ""
    page = MARKDOWN.render(in_cells(in_markdown(text), code(text)))
    assert (page.count("<td>"), page.count("<code>")) == (2, 1)
