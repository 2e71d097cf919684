"""Lines of commits: what touched a deployment since two environments met."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from argosy.promotion import lines
from argosy.promotion.lines import Graph
from tests.changing import commit, git
from tests.status.stories import head

UNIT = "environments/dev/web"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, {f"{UNIT}/values.yaml": "a: 1\n"})
    return tmp_path


def since(root: Path, base: str) -> int:
    line = lines.read(root, head(root), "environments")
    return len(line.since(Graph(root).meeting(base, line.places), [UNIT]))


def test_commits_that_touch_nothing_are_places_too(root: Path) -> None:
    commit(root, {"README.md": "x"})
    base = head(root)
    commit(root, {f"{UNIT}/values.yaml": "a: 2\n", f"{UNIT}/more.yaml": "", "environments/dev/other/values.yaml": ""})
    commit(root, {"README.md": "y"})
    assert (since(root, base), since(root, head(root))) == (1, 0)
    line = lines.read(root, head(root), "environments")
    assert {unit: line.commits[place] for unit, (place,) in line.came.items()} == {
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


def test_what_is_part_of_what(root: Path) -> None:
    first = head(root)
    git(root, "switch", "--quiet", "--create", "topic")
    commit(root, {"a": "a"})
    beside = head(root)
    git(root, "switch", "--quiet", "main")
    commit(root, {"b": "b"})
    second = head(root)
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "topic")
    merge = head(root)
    graph = Graph(root)
    for one in (first, beside, second, merge):
        for other in (first, beside, second, merge):
            known = subprocess.run(["git", "merge-base", "--is-ancestor", one, other], cwd=root, check=False).returncode
            assert graph.is_part(one, other, merge) is (known == 0), (one, other)
    assert not Graph(root).is_part(beside, second, second), "a commit that the tip does not have"
