"""The pager: on a terminal alone, for what is long, and never in the way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from argosy.reporting import pager

LONG = "".join(f"\x1b[32m+line {number}\x1b[0m\n" for number in range(60))
PATH = os.environ["PATH"]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which a pager leaves what it was given, on a terminal."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    program = tmp_path / "bin/mypager"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s|%s\\n" "$*" "$LESS" > "$SHOWN"\ncat >> "$SHOWN"\n')
    program.chmod(0o755)
    (tmp_path / "bin/less").symlink_to(program)
    monkeypatch.setenv("PATH", f"{program.parent}:{PATH}")
    return tmp_path / "shown"


def paged(shown: Path, text: str = LONG, **values: str) -> bool:
    return pager.page(text, {"SHOWN": str(shown), **values})


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ({}, "-R|FRX"),
        ({"PAGER": "less"}, "-R|FRX"),
        ({"PAGER": "less", "LESS": "S"}, "-R|S"),
        ({"PAGER": "mypager -x 'a b'"}, "-x a b|FRX"),
        ({"PAGER": "nowhere", "ARGOSY_PAGER": "mypager"}, "|FRX"),
    ],
)
def test_which_pager(shown: Path, values: dict[str, str], first: str) -> None:
    assert paged(shown, **values)
    assert shown.read_text() == f"{first}\n{LONG}"


@pytest.mark.parametrize(
    "values",
    [{"ARGOSY_PAGER": "", "PAGER": "less"}, {"PAGER": "cat"}, {"PAGER": "nowhere"}, {"PAGER": "'"}, {"TERM": "dumb"}],
)
def test_no_pager(shown: Path, values: dict[str, str]) -> None:
    assert not paged(shown, **values)
    assert not shown.exists()


def test_what_is_short_or_goes_elsewhere_is_printed(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not paged(shown, "a\n" * 5)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert not paged(shown)
    assert not shown.exists()


def test_a_pager_that_closes_early_is_none_that_failed(shown: Path) -> None:
    assert paged(shown, LONG * 100, PAGER="true")
    assert not paged(shown, LONG * 100, PAGER="false")


def test_it_gets_nothing_that_a_terminal_obeys(shown: Path) -> None:
    assert paged(shown, f"\x1b]0;title\x07{LONG}")
    assert "\x1b]" not in shown.read_text()
    assert "\x1b[32m" in shown.read_text()
