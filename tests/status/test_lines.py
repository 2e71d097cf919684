"""Lines of commits: what touched a deployment since two environments met."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.status import lines
from tests.changing import commit, git
from tests.status.stories import head

UNIT = "environments/dev/web"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, {f"{UNIT}/values.yaml": "a: 1\n"})
    return tmp_path


def since(root: Path, base: str) -> int:
    tip = head(root)
    found = {tip: lines.read(root, tip, "environments")}
    return len(found[tip].since(lines.meetings(root, found, [(tip, base)])[tip, base], [UNIT]))


def test_commits_that_touch_nothing_are_places_too(root: Path) -> None:
    commit(root, {"README.md": "x"})
    base = head(root)
    commit(root, {f"{UNIT}/values.yaml": "a: 2\n", f"{UNIT}/more.yaml": "", "environments/dev/other/values.yaml": ""})
    commit(root, {"README.md": "y"})
    assert (since(root, base), since(root, head(root))) == (1, 0)
    line = lines.read(root, head(root), "environments")
    assert line.added == {
        UNIT: git(root, "rev-list", "--max-parents=0", "HEAD").strip(),
        "environments/dev/other": git(root, "rev-parse", "HEAD^").strip(),
    }


def test_a_merge_is_one_commit(root: Path) -> None:
    base = head(root)
    git(root, "switch", "--quiet", "--create", "topic")
    commit(root, {f"{UNIT}/values.yaml": "a: 2\n"})
    beside = head(root)
    commit(root, {f"{UNIT}/values.yaml": "a: 3\n"})
    git(root, "switch", "--quiet", "main")
    commit(root, {"README.md": "x"})
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "topic")
    assert since(root, base) == 1
    assert since(root, beside) == 1, "the branch was left before the merge brought the rest"


def test_unrelated_histories_share_nothing(root: Path) -> None:
    git(root, "switch", "--quiet", "--orphan", "other")
    commit(root, {"x": "x"})
    other = head(root)
    git(root, "switch", "--quiet", "main")
    assert since(root, other) == 1
