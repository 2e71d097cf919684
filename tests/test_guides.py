"""The README and the tutorial: who follows them gets what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from argosy import pages
from tests import sessions

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_each_command_runs_as_it_is_printed(page: str, tmp_path: Path) -> None:
    session = sessions.Session(tmp_path)
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"))
    for block, said in sessions.blocks(pages.without_comments((ROOT / page).read_text(encoding="utf-8"))):
        printed = ""
        for command in sessions.commands(block):
            if make := re.match(r"make (\S+)", command):  # In a clone of argosy, by what .ci/run runs.
                assert make[1] in targets
                continue
            printed += session.printed(command)
        assert said is None or sessions.fits(said, printed), (block, printed)


def test_what_is_left_out_is_what_a_page_says_and_nothing_else() -> None:
    assert sessions.fits("a\n…\nd\n", "a\nb\nc\nd\n")
    assert sessions.fits("…\nb\n", "b\n")
    assert not sessions.fits("a\nd\n", "a\nb\nd\n")
    assert not sessions.fits("a\n…\n", "b\na\n")


def test_the_readme_is_short() -> None:
    read = pages.without_comments((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(read.splitlines()) <= 120
