"""Git's objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import ToolError
from argosy.git import objects
from argosy.git.objects import Blob, Entry
from tests.changing import commit, git

CONTENTS = {
    "plain": b"text\n",
    "empty": b"",
    "binary": bytes(range(256)),
    "no newline": b"x",
    'quo"te\\ and\nline': b"odd\n",
    "ünï/code": "ä\n".encode(),
    "bytes-\udcff": b"a name that is no UTF-8\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty repository."""
    git(tmp_path, "init", "--quiet", "gitops")
    return tmp_path / "gitops"


def test_what_is_committed_is_read(root: Path) -> None:
    wanted = {path: Blob("100755" if path == "plain" else "100644", content) for path, content in CONTENTS.items()}
    objects.commit(root, {"one": ("", wanted), "two": ("one", {"plain": Blob("120000", b"empty")})})
    entries = objects.entries(root, "one")
    assert objects.blobs(root, entries, [*entries, "absent"]) == wanted
    assert list(objects.entries(root, "two")) == ["plain"]
    assert git(root, "rev-parse", "two^").strip() == git(root, "rev-parse", "one").strip()
    assert objects.contents(root, []) == {}


def test_an_object_that_is_not_there(root: Path) -> None:
    with pytest.raises(ToolError, match="lacks the object"):
        objects.contents(root, ["0" * 40])


def test_sides_of_a_conflict(root: Path) -> None:
    base, ours, theirs = ({"a": Blob("100644", text), "b": Blob("100644", b"same\n")} for text in (b"0", b"1", b"2"))
    objects.commit(root, {"base": ("", base), "ours": ("base", ours), "theirs": ("base", theirs)})
    tree, sides = objects.merge(root, "ours", "theirs")
    assert [each.stage for each in sides["a"]] == [1, 2, 3]
    assert objects.entries(root, tree)["b"] == objects.entries(root, "base")["b"] == Entry("100644", sides_blob(root))


def sides_blob(root: Path) -> str:
    return git(root, "rev-parse", "base:b").strip()


def test_blobs_are_copied(root: Path, tmp_path: Path) -> None:
    commit(root, {"a": "text\n"})
    git(tmp_path, "init", "--quiet", "--bare", "other")
    blob = objects.entries(root, "HEAD")["a"].blob
    objects.copy(root, tmp_path / "other", [blob, blob])
    objects.copy(root, tmp_path / "other", [])
    assert objects.contents(tmp_path / "other", [blob]) == {blob: b"text\n"}


def test_paths_are_committed_alone(root: Path) -> None:
    commit(root, {"a": "1\n", "b": "1\n", "gone": "1\n"})
    for path in ("a", "b", "untracked", "stays"):
        (root / path).write_text("2\n")
    (root / "gone").unlink()
    git(root, "add", "b")
    objects.commit_paths(root, "Some", ["a", "gone", "untracked"])
    assert git(root, "show", "--name-only", "--format=%s") == "Some\n\na\ngone\nuntracked\n"
    assert git(root, "status", "--porcelain") == "M  b\n?? stays\n"


def test_a_commit_without_an_identity(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commit(root, {"a": "1\n"})
    (tmp_path / "gitconfig").write_text("[user]\nuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (root / "a").write_text("2\n")
    objects.commit_paths(root, "By argosy", ["a"])
    assert git(root, "log", "-1", "--format=%an") == "argosy\n"
