"""The golden trees are what the template gives."""

from __future__ import annotations

import pytest

from argosy.template.rendering import File
from tests import goldens


@pytest.mark.parametrize("name", goldens.NAMES)
def test_the_template_gives_the_golden_tree(name: str) -> None:
    made, committed = goldens.kept(name, goldens.made(name)), goldens.committed(name)
    assert sorted(made) == sorted(committed), "run `make golden` and look at the difference"
    assert made == committed, "run `make golden` and look at the difference"


@pytest.mark.parametrize("name", goldens.NAMES)
def test_a_change_of_any_file_shows(name: str) -> None:
    whole = goldens.made(name)
    before = goldens.kept(name, whole)
    for path, file in whole.items():
        for other in (File(file.content + b"#", file.executable), File(file.content, not file.executable)):
            assert goldens.kept(name, {**whole, path: other}) != before, path
        assert goldens.kept(name, {each: whole[each] for each in whole if each != path}) != before, path
    assert goldens.kept(name, {**whole, "new": File(b"", False)}) != before


def test_what_is_to_be_read_in_full_is_there() -> None:
    assert set(goldens.IN_FULL) <= {*goldens.paths()}


def test_no_golden_tree_is_left_over() -> None:
    assert {path.name.partition(".")[0] for path in goldens.FOLDER.iterdir()} == set(goldens.NAMES)
