from __future__ import annotations

import io
import sys
from collections.abc import Iterable

import pytest

from argosy.reporting.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(steps: Iterable[int], *, enabled: bool = True) -> None:
    with progress("Rendering", 3, enabled=enabled) as advance:
        for _ in steps:
            advance()


def test_a_terminal_sees_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    run(range(3))

    assert "Rendering" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")


def test_neither_pipes_nor_quiet_terminals_see_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(range(3))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run(range(3), enabled=False)

    assert terminal.getvalue() == ""
    assert capsys.readouterr() == ("", "")
