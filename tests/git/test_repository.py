"""How often Git is asked."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from argosy.errors import ToolError
from argosy.git import asked_once, at, forget, objects, repository
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from argosy.validation import pipeline
from tests.changing import commit, git
from tests.conftest import Process
from tests.validating import write_files

SHIM = """#!/bin/sh
echo >> {log}
exec {git} "$@"
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that gets a line for each git that argosy starts."""
    path = tmp_path / "log"
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(SHIM.format(log=path, git=shutil.which("git")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return path


def test_how_many_processes_a_command_starts(process: Process, tmp_path: Path, log: Path) -> None:
    assert process("init", "gitops", "--defaults", "--repo-url", "https://github.com/acme/gitops.git").code == 0
    root = tmp_path / "gitops"

    def started(*arguments: str) -> int:
        log.write_text("")
        done = process(*arguments, cwd=root)
        assert done.code == 0, done.err
        return len(log.read_text())

    assert started("add", "app", "shop", "--commit") <= 12
    assert started("validate") <= 3
    values = root / "environments" / "dev" / "shop" / "values.yaml"
    values.write_text(values.read_text().replace("tag: ", "tag: 1.30.0 #", 1))
    git(root, "commit", "--quiet", "--all", "--message", "A release")
    assert started("promote", "shop", "--to", "staging", "--commit", "--yes") <= 15
    assert git(root, "log", "-1", "--format=%s") == "Promote shop from dev to staging\n"


def test_a_tree_is_listed_by_one_process(tmp_path: Path, log: Path) -> None:
    root = tmp_path / "gitops"
    git(tmp_path, "init", "--quiet", "gitops")
    commit(root, {"a/b/c/d": "1\n"})
    tree = git(root, "rev-parse", "HEAD^{tree}").strip()
    for place in (nullcontext(), asked_once()):
        log.write_text("")
        with place:
            assert [*objects.entries(root, tree)] == ["a/b/c/d"]
        assert len(log.read_text()) == 1


def test_what_lies_in_no_repository_is_judged_without_git(tmp_path: Path, log: Path) -> None:
    write_files(tmp_path / "there", {"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\n"})
    assert pipeline.validate(tmp_path / "there", pipeline.Options(unreached=True)).outcomes
    assert not log.exists()
    assert (repository.branch(tmp_path), repository.remotes(tmp_path)) == ("", {})


def test_what_is_known_holds_until_argosy_changes_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, {"a": "1\n"})
    with asked_once():
        known = at(tmp_path)
        assert (known.branch, known.top_level, known.is_shallow) == ("main", tmp_path, False)
        assert known is at(tmp_path)
        (tmp_path / "a").write_text("2\n")
        assert known.status == {"a": " M"}
        objects.commit_paths(tmp_path, "By argosy", ["a"])
        assert known.status == {}
        assert known.head == git(tmp_path, "rev-parse", "HEAD").strip()
        git(tmp_path, "switch", "--quiet", "--detach")
        assert known.branch == "main"
        forget()
        assert known.branch == ""
    assert at(tmp_path) is not known


def test_a_repository_without_a_commit_and_a_folder_without_a_repository(tmp_path: Path) -> None:
    assert at(tmp_path).top_level is None
    assert at(tmp_path).head == at(tmp_path).branch == ""
    assert (at(tmp_path).refs, at(tmp_path).status) == ({}, {})
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk")
    assert (at(tmp_path).top_level, at(tmp_path).head, at(tmp_path).branch) == (tmp_path, "", "trunk")


def test_the_status_of_a_folder(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, {".gitignore": "*.key\nbuild/\n", "in/a": "1\n", "out": "1\n"})
    for path in ("in/build/x", "in/b", "in/c.key", "in/a", "out"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("2\n")
    assert at(tmp_path / "in").status == {"a": " M", "b": "??", "build/": "!!", "c.key": "!!"}
    assert at(tmp_path).status.keys() == {"in/a", "in/b", "in/build/", "in/c.key", "out"}


def test_an_object_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    root = tmp_path / "gitops"
    git(tmp_path, "init", "--quiet", "gitops")
    commit(root, {"large": b"a" * 3_000_000, "small": b"a"})
    monkeypatch.setattr(repository, "LARGEST", 1_000_000)
    with asked_once():
        state = Snapshot.of(root, "HEAD")
        before = len(log.read_text())
        with pytest.raises(ToolError, match="HEAD:large has 3,000,000 bytes"):
            objects.named(root, ["HEAD:large", "HEAD:small"])
        assert objects.named(root, ["HEAD:small"])[0][2] == b"a"
        assert state.measured(lambda _: True) == ({"small": Blob("100644", b"a")}, {"large": 3_000_000})
        with pytest.raises(ToolError, match=r"^large has 3,000,000 bytes"):
            state.files()
        with pytest.raises(ToolError, match=r"^large has 3,000,000 bytes"):
            objects.contents(root, [each.blob for each in objects.entries(root, "HEAD").values()])
        assert len(log.read_text()) == before + 1  # HEAD once more.
