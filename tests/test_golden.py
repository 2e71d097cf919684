"""The golden trees are what the template gives."""

from __future__ import annotations

import pytest

from tests import goldens


@pytest.mark.parametrize("name", goldens.repositories())
def test_the_template_gives_the_golden_tree(name: str) -> None:
    rendered = goldens.files(goldens.tree(goldens.repositories()[name]))
    committed = goldens.committed(name)
    assert sorted(rendered) == sorted(committed), "run `make golden` and look at the difference"
    assert rendered == committed, "run `make golden` and look at the difference"


def test_no_golden_tree_is_left_over() -> None:
    assert {folder.name for folder in goldens.FOLDER.iterdir()} == set(goldens.repositories())
