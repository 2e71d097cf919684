"""A tree goes to its place as a whole, or not at all."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections import UserDict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy import git
from argosy.errors import ArgosyError, UsageError
from argosy.template import creation
from argosy.template.rendering import File
from tests import goldens

TREE = {"README.md": File(b"# x\n"), "a/b/c.yaml": File(b"c: 1\n"), "run.sh": File(b"#!/bin/sh\n", executable=True)}


class Meanwhile(UserDict[str, File]):
    """A tree during whose writing something else happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(TREE)
        self._happens = happens

    def __iter__(self) -> Iterator[str]:
        """Let it happen."""
        self._happens()
        return super().__iter__()


@pytest.mark.parametrize("use_git", [True, False])
@pytest.mark.parametrize("destination", ["new", "deep/down/new", "empty"])
def test_what_is_written_is_the_tree(tmp_path: Path, destination: str, use_git: bool) -> None:
    (tmp_path / "empty").mkdir(mode=0o711)
    creation.create(tmp_path / destination, TREE, branch="main", use_git=use_git)
    assert goldens.read(tmp_path / destination) == TREE
    assert (tmp_path / destination / ".git").exists() == use_git
    assert not list(tmp_path.rglob(".argosy-*"))
    assert oct((tmp_path / "empty").stat().st_mode)[-3:] == "711"


def test_branches_are_made_at_the_first_commit(tmp_path: Path) -> None:
    creation.create(tmp_path / "new", TREE, branch="main", branches=("dev", "main", "prod", "dev"))
    assert {*git.Revisions(tmp_path / "new")} == {"dev", "main", "prod"}
    heads = git.run(tmp_path / "new", "for-each-ref", "--format=%(objectname)", "refs/heads").split()
    assert len(set(heads)) == 1


@pytest.mark.parametrize(
    ("tree", "cause"),
    [
        ({"a": File(b""), "a/b": File(b"")}, "Not a directory|File exists"),
        ({"x" * 300: File(b"")}, "File name too long"),
        ({".git/config": File(b"[core"), "a": File(b"")}, "bad config"),
    ],
)
@pytest.mark.parametrize("destination", ["deep/new", "empty"])
def test_a_tree_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, tree: dict[str, File], cause: str, destination: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgosyError, match=cause):
        creation.create(tmp_path / destination, tree, branch="main")
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_a_branch_that_git_refuses_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match="not a valid branch name") as refusal:
        creation.create(tmp_path / "deep/new", TREE, branch="main", branches=("a..b",))
    assert "Nothing was written." in refusal.value.hint
    assert list(tmp_path.iterdir()) == []


class TestMeanwhile:
    def test_somebody_else_takes_the_place(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "notes").touch()
        tree = Meanwhile(lambda: (tmp_path / "other").rename(tmp_path / "new"))
        with pytest.raises(ArgosyError):
            creation.create(tmp_path / "new", tree, branch="main", use_git=False)
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["new", "notes"]

    @pytest.mark.parametrize("use_git", [True, False])
    def test_somebody_else_writes_into_the_empty_folder(self, tmp_path: Path, use_git: bool) -> None:
        git.run(tmp_path, "init", "--quiet", "clone")
        clone = tmp_path / "clone"
        before = sorted(clone.rglob("*"))
        tree = Meanwhile(lambda: (clone / "run.sh" / "theirs").mkdir(parents=True))
        with pytest.raises(ArgosyError, match="could not be made"):
            creation.create(clone, tree, branch="main", use_git=use_git)
        assert sorted(clone.rglob("*")) == sorted([*before, clone / "run.sh", clone / "run.sh" / "theirs"])

    def test_an_interruption(self, tmp_path: Path) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            creation.create(tmp_path / "deep/new", Meanwhile(interrupt), branch="main")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["clone", "empty"])
def test_each_step_that_a_kill_leaves_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    real, moved = Path.rename, 0

    class Kill(BaseException):
        pass

    for at in range(5):

        def rename(source: Path, target: Path, at: int = at) -> Path:
            nonlocal moved
            moved += 1
            if moved > at:
                raise Kill
            return real(source, target)

        destination, moved = tmp_path / f"{place}-{at}", 0
        git.run(tmp_path, "init", "--quiet", destination.name)
        git.run(destination, "config", "remote.origin.url", "https://github.com/acme/gitops.git")
        if place == "empty":
            shutil.rmtree(destination / ".git")
        with monkeypatch.context() as patch, contextlib.suppress(Kill):
            patch.setattr(Path, "rename", rename)
            patch.setattr(shutil, "rmtree", lambda *_, **__: None)
            creation.create(destination, TREE, branch="main")
        with pytest.raises(UsageError, match=r"\.argosy-\w+ is what another argosy init has begun") as refusal:
            creation.check(destination)
        command = re.fullmatch(
            r"If none is running: (.*?)(, and run this command again| makes it complete)\.", refusal.value.hint
        )
        assert command
        subprocess.run(command[1], shell=True, check=True)
        if "again" in command[2]:
            creation.create(destination, TREE, branch="main")
        assert sorted(path.name for path in destination.iterdir()) == sorted(
            [".git", *{path.split("/")[0] for path in TREE}]
        )
        assert git.run(destination, "status", "--porcelain", "--ignored") == ""
        assert git.origin(destination) == ("https://github.com/acme/gitops.git" if place == "clone" else "")


@pytest.mark.parametrize("name", ["file", "full", "link", "committed"])
def test_where_nothing_can_be_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full" / "x").mkdir(parents=True)
    (tmp_path / "link").symlink_to("nowhere")
    creation.create(tmp_path / "committed", {"x": File(b"")}, branch="main")
    git.run(tmp_path / "committed", "rm", "--quiet", "x")
    with pytest.raises(UsageError):
        creation.check(tmp_path / name)
