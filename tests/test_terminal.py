"""What terminals and CI servers obey, made harmless, and everything else left as it is."""

from __future__ import annotations

import io
import json

import pytest

from argosy import terminal

HARMFUL = {
    "a\x1b]52;c;aGk=\x07": "a\\u001b]52;c;aGk=\\u0007",
    "\x1b]8;;https://thief.example\x1b\\x": "\\u001b]8;;https://thief.example\\u001b\\x",
    "\x1b[2J\x1b[8m\x1b[30mhidden": "\\u001b[2J\\u001b[8m\\u001b[30mhidden",
    "\x9b31m\x90": "\\u009b31m\\u0090",
    "over\rwritten": "over\\u000dwritten",
    "a\u202egnp.exe": "a\\u202egnp.exe",
    "\u2066a\u2069 \U000e0041 \u2028": "\\u2066a\\u2069 \\udb40\\udc41 \\u2028",
    "ad\u200bmin\u2060 \ufeff\xad\u3164\ufe00": "ad\\u200bmin\\u2060 \\ufeff\\u00ad\\u3164\\ufe00",
    "::error::x": "\\u003a:error::x",
    "a\n  ::add-mask::x\n\u3000::stop-commands::y": "a\n  \\u003a:add-mask::x\n\u3000\\u003a:stop-commands::y",
    "\x1b[31m::error::x": "\x1b[31m\\u003a:error::x",
    "a\n \r\x85::error::x": "a\n \\u000d\\u0085\\u003a:error::x",
    "\x1b[8m::error::x": "\\u001b[8m::error::x",
    "a ##[group]x": "a \\u0023#[group]x",
    "##vso[task.setvariable variable=a]b": "\\u0023#vso[task.setvariable variable=a]b",
    "a\n##teamcity[buildStop comment='x']": "a\n\\u0023#teamcity[buildStop comment='x']",
    "section_start:1:x\r\x1b[0Kx": "section_start:1:x\\u000d\x1b[0Kx".replace("\x1b", "\\u001b"),
}
HARMLESS = ["\x1b[1;31mError:\x1b[0m", "a::b", "## [heading]", "ü “x” 日本\t👩‍💻 ❤\ufe0f", "a\nb", "listen: '::1'"]


def printed(text: str) -> str:
    """Return what a guarded stream writes."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True, newline="\n")
    terminal.guard(stream)
    stream.write(text)
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@pytest.mark.parametrize("text", HARMFUL)
def test_what_is_obeyed_is_written_out(text: str) -> None:
    assert printed(text) == HARMFUL[text]
    assert printed(HARMFUL[text]) == HARMFUL[text]


@pytest.mark.parametrize("text", HARMLESS)
def test_the_rest_stays(text: str) -> None:
    assert printed(text) == text


@pytest.mark.parametrize("text", HARMFUL)
def test_json_says_the_same_as_before(text: str) -> None:
    assert json.loads(printed(json.dumps([text], ensure_ascii=False))) == [text]


def test_annotations_are_githubs_alone() -> None:
    with terminal.annotating():
        assert printed("::error file=a::b ##[x]\n::set-output name=a::b\n") == (
            "::error file=a::b \\u0023#[x]\n\\u003a:set-output name=a::b\n"
        )
    assert printed("::error file=a::b") == "\\u003a:error file=a::b"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:pw@git.example.com/a", "https://git.example.com/a"),
        ("HTTPS://token@git.example.com:8443/a.", "HTTPS://git.example.com:8443/a."),
        ("“http://x-access-token:t@git.example.com”", "“http://git.example.com”"),
        ("https://a:b:c@git.example.com https://d@e.example.com", "https://git.example.com https://e.example.com"),
        ("ssh://git:pw@git.example.com/a", "ssh://git@git.example.com/a"),
        ("redis://:pw@cache.example.com/1", "redis://@cache.example.com/1"),
        ("ssh://git@git.example.com/a", "ssh://git@git.example.com/a"),
        ("git@git.example.com:a/b, @team, https://git.example.com/@ada", None),
    ],
)
def test_urls_without_logins(url: str, shown: str | None) -> None:
    assert terminal.without_logins(url) == (shown or url)
