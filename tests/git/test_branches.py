"""Commits that no work tree takes part in, and what is pushed where."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.argocd import elsewhere
from argosy.doctor import remotes
from argosy.errors import ArgosyError, ToolError, UsageError
from argosy.git import at, branches
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from tests.changing import commit, create, git, state
from tests.promoting import URL, clone, with_remote


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit."""
    return create(tmp_path / "gitops")


def tip(root: Path, revision: str = "HEAD") -> str:
    return git(root, "rev-parse", revision).strip()


def test_a_commit(repository: Path) -> None:
    before = state(repository)
    written = {
        "README.md": None,
        "new folder/ü.txt": Blob("100755", b"new\0\n"),
        "CODEOWNERS": Blob("100644", b"* @ada\n"),
    }
    made = branches.commit(Snapshot.of(repository, "HEAD"), written, "Subject\n\nA: b\n")
    assert state(repository) == before
    changed = git(repository, "-c", "core.quotePath=false", "diff", "--raw", "--no-renames", "HEAD", made).splitlines()
    assert [line.split("\t")[1] for line in changed] == ["CODEOWNERS", "README.md", "new folder/ü.txt"]
    assert changed[2].startswith(":000000 100755")
    assert git(repository, "log", "-1", "--format=%P|%B", made).strip() == f"{tip(repository)}|Subject\n\nA: b"
    assert Snapshot(repository, made).read("new folder/ü.txt") == b"new\0\n"


def test_putting_a_branch(repository: Path, tmp_path: Path) -> None:
    first = tip(repository)
    branches.put(repository, "new", first, "")
    commit(repository)
    branches.put(repository, "new", tip(repository), first)
    assert tip(repository, "new") == tip(repository)
    with pytest.raises(ToolError):
        branches.put(repository, "new", first, first)
    with pytest.raises(ToolError):
        branches.put(repository, "new", first, "")
    for name in ("main", "elsewhere"):
        if name == "elsewhere":
            git(repository, "worktree", "add", "--quiet", "-b", name, str(tmp_path / "tree"))
        with pytest.raises(UsageError, match=f"The branch {name} is checked out"):
            branches.put(repository, name, first, tip(repository, name))


@pytest.mark.parametrize("name", ["a..b", "-x", "a b", "", "a.lock", "@{-1}x", "HEAD:x"])
def test_names_that_are_none(repository: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a branch"):
        branches.check_name(repository, name)


def test_the_remote(repository: Path) -> None:
    with pytest.raises(UsageError, match="no remote"):
        branches.remote_of(repository)
    git(repository, "remote", "add", "only", URL)
    assert branches.remote_of(repository) == "only"
    git(repository, "remote", "add", "other", URL)
    with pytest.raises(UsageError, match="several"):
        branches.remote_of(repository)
    git(repository, "remote", "add", "origin", URL)
    assert branches.remote_of(repository) == "origin"
    git(repository, "config", "branch.main.remote", "other")
    assert branches.remote_of(repository) == "other"
    git(repository, "checkout", "--quiet", "--detach")
    assert branches.remote_of(repository) == "origin"


def test_urls(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "gh:acme/gitops")
    assert branches.urls_of(repository, "origin") == ["gh:acme/gitops"]
    git(repository, "config", "url.https://github.com/.insteadOf", "gh:")
    assert branches.urls_of(repository, "origin") == ["https://github.com/acme/gitops", "gh:acme/gitops"]
    git(repository, "remote", "set-url", "--push", "origin", URL)
    assert branches.urls_of(repository, "origin") == [URL]


def test_fetching_and_pushing(repository: Path, tmp_path: Path) -> None:
    bare = with_remote(repository)
    assert branches.remote_tip(repository, "origin", "new") == ""
    first = tip(repository)
    commit(repository)
    branches.push(repository, "origin", tip(repository), "new", "")
    assert (tip(bare, "new"), branches.remote_tip(repository, "origin", "new")) == (tip(repository), tip(repository))
    other = clone(bare, tmp_path / "other")
    git(other, "switch", "--quiet", "new")
    commit(other)
    git(other, "push", "--quiet")
    for expected in (tip(repository), ""):
        with pytest.raises(ToolError, match="origin"):
            branches.push(repository, "origin", first, "new", expected)
    assert tip(bare, "new") == tip(other)
    assert branches.fetch(repository, "origin", ["new", "main", "nowhere"]) == {"new", "main"}
    assert tip(repository, "origin/new") == tip(other)


def test_a_name_with_a_separator_of_lines_is_one_name(repository: Path) -> None:
    bare = with_remote(repository)
    for separator in ("\u0085", "\u2028", "\u2029"):
        git(bare, "branch", f"prod{separator}z", "main")
        assert branches.fetch(repository, "origin", ["prod"]) == set()
        assert branches.fetch(repository, "origin", [f"prod{separator}z"]) == {f"prod{separator}z"}
        assert at(repository).refs[f"refs/remotes/origin/prod{separator}z"] == tip(repository)
    for offline in (True, False):
        (there,) = remotes.read(repository, [URL], offline=offline).values()
        assert {"prod", "z"}.isdisjoint(ref.removeprefix("refs/heads/") for ref in there.refs or {})
        assert "refs/heads/prod\u2028z" in (there.refs or {})
    git(repository, "switch", "--quiet", "--create", "main\u2028")
    assert at(repository).branch == "main\u2028"
    assert elsewhere.branch_of(repository, ["prod"], "main") == "main"
    git(repository, "branch", "--quiet", "--delete", "main")
    git(repository, "update-ref", "-d", "refs/remotes/origin/main")
    assert elsewhere.branch_of(repository, ["prod", "z"], "other") == "other"


def test_passwords_are_not_told(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://ada:sesame@127.0.0.1:1/acme/gitops.git")
    with pytest.raises(ToolError) as raised:
        branches.remote_tip(repository, "origin", "main")
    assert "127.0.0.1" in raised.value.message
    assert "sesame" not in raised.value.message


def test_tips(repository: Path) -> None:
    git(repository, "branch", "feature/main")
    git(repository, "tag", "v1")
    git(repository, "update-ref", "refs/remotes/origin/there", "HEAD")
    git(repository, "update-ref", "refs/remotes/origin/HEAD", "HEAD")
    found = {name: branches.is_branch(repository, name) for name in ("main", "there", "v1", "feature", "HEAD", "no")}
    assert found == {"main": True, "there": True, "v1": False, "feature": False, "HEAD": False, "no": False}
    for name in ("main", "there", "v1"):
        assert branches.tip(repository, name) == tip(repository)
    for arguments in (("no",), ("main", "origin")):
        with pytest.raises(ArgosyError, match="There is no branch"):
            branches.tip(repository, *arguments)
