"""A state of the repository, read from Git's objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import UsageError
from argosy.git import objects
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot, resolve
from argosy.validation import changed
from tests.changing import git

FILES = {"a.txt": "a\n", "folder/b.txt": "b\n", "folder/below/c.txt": "c\n", "folder-too/d.txt": "d\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a few files, a link and a submodule."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    (tmp_path / "link").symlink_to("a.txt")
    git(tmp_path, "add", "--all")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    return tmp_path


def test_what_is_there(repository: Path) -> None:
    state = Snapshot.of(repository, "main")
    assert sorted(state.paths()) == sorted([*FILES, "link"])
    assert sorted(state.paths("folder")) == ["folder/b.txt", "folder/below/c.txt"]
    assert state.files("folder/b.txt", "nowhere") == {"folder/b.txt": Blob("100644", b"b\n")}
    assert state.files()["link"] == Blob("120000", b"a.txt")
    assert list(state.chosen(lambda path: path.endswith("d.txt"))) == ["folder-too/d.txt"]
    assert (state.read("a.txt"), state.read("folder"), state.read("nowhere")) == (b"a\n", None, None)


def test_the_work_tree_does_not_matter(repository: Path) -> None:
    (repository / "a.txt").write_text("edited\n")
    (repository / "new.txt").write_text("new\n")
    git(repository, "add", "new.txt")
    assert Snapshot.of(repository, "HEAD").read("a.txt") == b"a\n"
    assert Snapshot.of(repository, "HEAD").read("new.txt") is None


def test_changes_on_top(repository: Path) -> None:
    bare = Snapshot.of(repository, "HEAD")
    state = bare.with_files({"a.txt": None, "folder/b.txt": Blob("100755", b"B\n")})
    state = state.with_files({"folder/new.txt": Blob("100644", b"new\n")})
    assert state.read("a.txt") is None
    assert sorted(state.paths("folder")) == ["folder/b.txt", "folder/below/c.txt", "folder/new.txt"]
    assert state.files("folder")["folder/b.txt"] == Blob("100755", b"B\n")
    assert state.chosen(lambda path: "new" in path) == {"folder/new.txt": Blob("100644", b"new\n")}
    assert bare.read("a.txt") == b"a\n"
    assert state.with_files({"a.txt": Blob("100644", b"back\n")}).read("a.txt") == b"back\n"


@pytest.mark.parametrize("revision", ["nowhere", "", "-x", "HEAD:a.txt"])
def test_no_such_revision(repository: Path, revision: str) -> None:
    assert resolve(repository, revision) == ""
    with pytest.raises(UsageError, match="no revision"):
        Snapshot.of(repository, revision)


@pytest.mark.parametrize(
    "revision", [":/First", "HEAD^{/First}", "HEAD@{1:2}^{/((((.{1,30}){1,30}){1,30}){1,30})z}", "HEAD^{/First}^{tree}"]
)
def test_what_git_would_search_for(repository: Path, revision: str) -> None:
    """An expression takes for ever, also one that a repository names: git is not asked."""
    with pytest.raises(UsageError, match="searches the messages"):
        Snapshot.of(repository, revision)
    assert objects.types(repository, [f"{revision}^{{commit}}", "HEAD"])[0] == ("", "")
    with pytest.raises(UsageError, match="searches the messages"):
        changed.since(repository, revision)
