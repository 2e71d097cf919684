"""States of a repository that Git itself would not write, or that this clone lacks a part of."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import ToolError
from argosy.git import asked_once
from argosy.promotion.states import ObjectCache
from tests.changing import commit, git, raw_tree, stored

FOLDER = "40000"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with an application."""
    git(tmp_path, "init", "--quiet", "gitops")
    commit(tmp_path / "gitops", {"applications/web/application.yaml": "format: helm\n"})
    return tmp_path / "gitops"


def with_folder(root: Path, tree: str) -> str:
    """Return a commit in which the application's folder is a tree."""
    whole = stored(root, raw_tree((FOLDER, "applications", stored(root, raw_tree((FOLDER, "web", tree))))))
    return git(root, "commit-tree", "-m", "Other", whole).strip()


def test_trees_that_name_one_another_give_no_folder(root: Path) -> None:
    for tree in (stored(root, b""), git(root, "rev-parse", "HEAD:applications/web").strip()):
        for _ in range(60):
            tree = stored(root, raw_tree((FOLDER, "a", tree), (FOLDER, "b", tree)))  # noqa: PLW2901
        with asked_once(), pytest.raises(ToolError, match="applications/web holds more than 500,000 files and folders"):
            ObjectCache(root).unit(with_folder(root, tree), "applications/web")


def test_a_folder_may_be_deep(root: Path) -> None:
    tree = git(root, "rev-parse", "HEAD:applications/web").strip()
    for _ in range(1500):
        tree = stored(root, raw_tree((FOLDER, "a", tree)))
    with asked_once():
        found = ObjectCache(root).unit(with_folder(root, tree), "applications/web")
    assert [*found] == [f"applications/web/{'a/' * 1500}application.yaml"]


def test_a_clone_without_trees_says_how_to_get_them(root: Path) -> None:
    tree = stored(root, raw_tree((FOLDER, "a", "2" * 40)))
    with asked_once(), pytest.raises(ToolError, match=f"lacks the tree {'2' * 40}") as error:
        ObjectCache(root).unit(with_folder(root, tree), "applications/web")
    assert "git fetch" in error.value.hint
