"""Pins that both sides of a merge raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.change import merge
from argosy.change.pins import settled
from argosy.git.objects import Blob
from tests.changing import commit, create

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
FILE = "steps:\n  - uses: actions/checkout@{} # v{}\n  - run: make\n"
DIGEST = f"@sha256:{'a' * 64}"


def sides(base: str, ours: str, theirs: str) -> tuple[str, str, str]:
    """Settle one file, and return what its sides hold then."""
    found = settled(*({"file": Blob("100644", text.encode())} for text in (base, ours, theirs)))
    one, two, three = (each["file"].content.decode() for each in found)
    return one, two, three


@pytest.mark.parametrize(("ours", "theirs"), [((TWO, "7.0.9"), (THREE, "7.0.10")), ((THREE, "7.0.10"), (TWO, "7.0.9"))])
def test_the_newer_is_taken(ours: tuple[str, str], theirs: tuple[str, str]) -> None:
    found = sides(FILE.format(ONE, "7.0.1"), FILE.format(*ours), FILE.format(*theirs))
    assert set(found) == {FILE.format(THREE, "7.0.10")}


@pytest.mark.parametrize(
    ("line", "base", "ours", "theirs", "newest"),
    [
        ("image: python:{}\n", "3.13.1", f"3.13.2{DIGEST}", "3.13.3", "3.13.3"),
        ("  - image: python:{}\r\n", "3.13.1", f"3.14.0{DIGEST}", "3.13.3", f"3.14.0{DIGEST}"),
        ("    name: ghcr.io/acme/scan:{}\n", f"v1.0.0{DIGEST}", f"v1.1.0{DIGEST}", "v1.2.0", "v1.2.0"),
        ("  - https://raw.githubusercontent.com/a/b/v{}/install.yaml\n", "3.5.1", "3.5.9", "3.6.0", "3.6.0"),
        ("  - repo: https://example.com/a\n    rev: v{}\n", "1.0.0", "1.0.1", "1.0.2", "1.0.2"),
    ],
)
def test_each_kind_of_pin(line: str, base: str, ours: str, theirs: str, newest: str) -> None:
    wanted = f"above\n{line.format(newest)}below\n"
    found = sides(*(f"above\n{line.format(each)}below\n" for each in (base, ours, theirs)))
    assert set(found) == {wanted}


def test_hooks_are_told_apart() -> None:
    text = "- repo: a\n  rev: v{}\n- repo: b\n  rev: v{}\n"
    found = sides(text.format("1.0.0", "5.0.0"), text.format("1.1.0", "5.1.0"), text.format("1.2.0", "5.0.0"))
    assert set(found) == {text.format("1.2.0", "5.1.0")}


def test_what_one_side_changed_is_taken_so_that_the_lines_around_it_can_be_merged() -> None:
    text = "image: a:{}\nmake: {}\n"
    found = sides(text.format("1.0.0", "all"), text.format("0.9.0", "all"), text.format("1.0.0", "test"))
    assert found == (text.format("0.9.0", "all"), text.format("0.9.0", "all"), text.format("0.9.0", "test"))


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        pytest.param(*("image: a:1.0.0", "image: a:0.9.0", "image: a:1.1.0"), id="lowered here"),
        pytest.param(*("image: a:1.0.0", "image: a:1.0.0", "image: a:1.1.0"), id="one side alone"),
        pytest.param(*("image: a:1.0.0\nimage: a:1.0.1", "image: a:1.1.0", "image: a:1.2.0"), id="two versions"),
        pytest.param(*("image: a:1.0.0", "image: b:1.1.0", "image: a:1.2.0"), id="another image"),
        pytest.param(*("image: a:1.0.0", "image: a:1.1.0", "make: a:1.2.0"), id="not there any more"),
        pytest.param(*("ratio: 1.0.0", "ratio: 1.1.0", "ratio: 1.2.0"), id="no pin"),
    ],
)
def test_what_is_left_to_the_merge(base: str, ours: str, theirs: str) -> None:
    assert sides(base, ours, theirs) == (base, ours, theirs)


def test_a_file_that_is_not_on_every_side() -> None:
    file = {"file": Blob("100644", b"image: a:1.0.0")}
    assert settled({}, file, file) == ({}, file, file)


def test_a_merge(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    ours = FILE.format(TWO, "7.0.2").replace("make", "make all")
    commit(root, {"ci.yaml": ours})
    before = {"ci.yaml": Blob("100644", FILE.format(ONE, "7.0.1").encode())}
    after = {"ci.yaml": Blob("100644", FILE.format(THREE, "7.1.0").replace("steps:", "steps: # all").encode())}
    plan = merge.plan(root, before, after)
    assert plan.conflicts == []
    merge.write(plan)
    assert (root / "ci.yaml").read_text() == ours.replace(f"{TWO} # v7.0.2", f"{THREE} # v7.1.0").replace(
        "steps:", "steps: # all"
    )
