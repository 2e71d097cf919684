"""Which paths of a repository may be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy import paths


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with a file, links, and what is none of a repository's, beside a secret."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "gitops"
    (root / "a/b").mkdir(parents=True)
    (root / ".git").mkdir()
    for path in ("a/b/file", ".git/config"):
        (root / path).write_text("here")
    links = {
        "inside": "a/b/file",
        "folder": "a",
        "a/up": "../inside",
        "a/root": "..",
        "absolute": str(root / "a/b/file"),
        "out": "../secret",
        "back": "../gitops/a/b/file",
        "a/over": "root/out",
        "a/deep": "b/../../../secret",
        "git": ".git/config",
        "over-git": "folder/root/.git",
        "broken": "a/nothing",
        "one": "two",
        "two": "one",
    }
    for path, target in links.items():
        (root / path).symlink_to(target)
    os.mkfifo(root / "a/fifo")
    return root


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", ""),
        ("a/b/file", ""),
        ("a/b/../b/file", ""),
        ("inside", ""),
        ("a/up", ""),
        ("folder/b/file", ""),
        ("a/root/folder/up", ""),
        ("nothing/at/all", ""),
        ("broken", ""),
        ("a" * 5000, ""),
        ("a\0b", ""),
        ("..", paths.OUTSIDE),
        ("a/../../secret", paths.OUTSIDE),
        ("/etc/passwd", paths.OUTSIDE),
        ("out", paths.OUTSIDE),
        ("back", paths.OUTSIDE),
        ("a/over", paths.OUTSIDE),
        ("a/deep", paths.OUTSIDE),
        ("absolute", paths.ABSOLUTE),
        ("folder/root/absolute", paths.ABSOLUTE),
        ("git", paths.OF_GIT),
        (".git", paths.OF_GIT),
        (".GIT/config", paths.OF_GIT),
        ("over-git/config", paths.OF_GIT),
        ("one", paths.ROUND),
        ("a/fifo", paths.IRREGULAR),
    ],
)
def test_what_leads_astray(root: Path, tmp_path: Path, path: str, reason: str) -> None:
    assert paths.astray(root / path, root) == reason
    (tmp_path / "link").symlink_to("gitops")
    assert paths.astray(tmp_path / "link" / path, tmp_path / "link") == reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("in directory '/tmp/gitops'.", "in directory '.'."),
        ("under: /tmp/gitops.", "under: .."),
        ("/tmp/gitops: no.", ".: no."),
        ("/tmp/gitops/base and /tmp/gitops/b", "base and b"),
        ("/tmp/gitops-2, /tmp/gitops.old, /tmp/gitopsx", "/tmp/gitops-2, /tmp/gitops.old, /tmp/gitopsx"),
    ],
)
def test_paths_are_told_from_a_root(text: str, told: str) -> None:
    assert paths.told_from(Path("/tmp/gitops"), text) == told


def test_content_is_read_of_what_does_not(root: Path) -> None:
    assert paths.content(root / "a/root/inside", root) == b"here"
    for path in ("out", "git", "a/fifo"):
        with pytest.raises(OSError, match=r"it (leads|is)"):
            paths.content(root / path, root)


def test_the_files_of_a_folder(root: Path) -> None:
    found = {path.relative_to(root).as_posix(): reason for path, reason in paths.files(root, root)}
    assert found == {
        ".git": paths.OF_GIT,
        **dict.fromkeys(["a/b/file", "a/up", "inside", "folder/b/file", "folder/up"], ""),
        **dict.fromkeys(["a/fifo", "folder/fifo"], paths.IRREGULAR),
        **dict.fromkeys(["a/root", "folder/root", "one", "two"], paths.ROUND),
        **dict.fromkeys(["a/over", "a/deep", "folder/over", "folder/deep", "out", "back"], paths.OUTSIDE),
        "absolute": paths.ABSOLUTE,
        **dict.fromkeys(["git", "over-git"], paths.OF_GIT),
        "broken": paths.NOWHERE,
    }
    assert dict(paths.files(root / "a", root))[root / "a/root"] == paths.ROUND


def test_links_that_multiply_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_MOST_FILES", 200)
    for level in range(30):
        (tmp_path / str(level)).mkdir()
        for name in "ab":
            (tmp_path / str(level) / name).symlink_to(f"../{level + 1}")
    (tmp_path / "30").mkdir()
    *_, (_, reason) = paths.files(tmp_path / "0", tmp_path)
    assert reason == paths.TOO_MANY


def test_folders_that_are_nested_without_end_end(tmp_path: Path) -> None:
    tmp_path.joinpath(*["a"] * 150).mkdir(parents=True)
    (tmp_path / "a/file").write_text("")
    assert [reason for _, reason in paths.files(tmp_path, tmp_path)] == ["", paths.TOO_DEEP]


def test_where_nothing_changes_it_is_asked_once(root: Path) -> None:
    file = root / "a" / "b" / "file"
    with paths.unchanged():
        assert not paths.astray(file, root)
        with paths.unchanged():
            file.unlink()
            file.symlink_to("/etc/hostname")
        assert not paths.astray(file, root)
    assert paths.astray(file, root) == paths.ABSOLUTE
