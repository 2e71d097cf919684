"""Merging the difference between two pristine trees into what people wrote."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from argosy.change import merge
from argosy.change.merge import Journal, Kind
from argosy.errors import ArgosyError
from argosy.git.objects import Blob
from tests.changing import commit, files, git, state

Texts = dict[str, str]


def blobs(texts: Texts) -> dict[str, Blob]:
    return {path: Blob("100644", text.encode()) for path, text in texts.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty repository."""
    git(tmp_path, "init", "--quiet", "gitops")
    return tmp_path / "gitops"


TEXT = "".join(f"{number}\n" for number in range(9))


@pytest.mark.parametrize(
    ("before", "ours", "after", "kind", "expected"),
    [
        (None, None, "new\n", Kind.NEW, "new\n"),
        (None, "new\n", "new\n", None, "new\n"),
        (None, "ours\n", "new\n", Kind.CONFLICTING, "<<<<<<< yours\nours\n=======\nnew\n>>>>>>> template\n"),
        (TEXT, TEXT, TEXT + "more\n", Kind.CHANGED, TEXT + "more\n"),
        (TEXT, "ours\n" + TEXT, TEXT + "more\n", Kind.MERGED, "ours\n" + TEXT + "more\n"),
        (TEXT, TEXT + "more\n", TEXT + "more\n", None, TEXT + "more\n"),
        (TEXT, None, TEXT + "more\n", Kind.KEPT, None),
        (TEXT, None, None, None, None),
        (TEXT, TEXT, None, Kind.DELETED, None),
        (TEXT, TEXT + "ours\n", None, Kind.CONFLICTING, TEXT + "ours\n"),
        (TEXT, "ours\n", TEXT, None, "ours\n"),
        (TEXT, TEXT.removesuffix("\n"), "new\n" + TEXT, Kind.MERGED, "new\n" + TEXT.removesuffix("\n")),
    ],
)
def test_each_case(  # noqa: PLR0917 - as in the table
    root: Path, before: str | None, ours: str | None, after: str | None, kind: Kind | None, expected: str | None
) -> None:
    commit(root, {"other": "stays\n", **({} if ours is None else {"a/file": ours})})
    start = state(root)
    base, theirs = (blobs({} if text is None else {"a/file": text}) for text in (before, after))
    plan = merge.plan(root, base, theirs)
    assert [each.kind for each in plan.changes] == ([] if kind is None else [kind])
    merge.write(plan)
    found = files(root)
    assert found.pop("other")[1] == b"stays\n"
    assert {path: text.decode() for path, (_, text) in found.items()} == (
        {} if expected is None else {"a/file": expected}
    )
    assert (root / "a").is_dir() is (expected is not None)
    journal = Journal(root)
    assert journal.is_abortable() is (kind is Kind.CONFLICTING)
    git(root, "reset", "--quiet", "--hard")
    plan = merge.plan(root, base, theirs)
    with pytest.raises(RuntimeError), merge.written(plan):
        raise RuntimeError
    assert state(root) == start
    assert not journal.is_open


def test_what_someone_wrote_since_a_kill_is_put_aside(root: Path) -> None:
    commit(root, {"a": "1\n", "b": "1\n", "c": "1\n"})
    start, journal = state(root), Journal(root)
    for round in (1, 2):
        after = blobs({"a": "2\n", "b": "2\n", "c": "2\n", "new": "2\n"})
        plan = merge.plan(root, blobs({"a": "1\n", "b": "1\n", "c": "1\n"}), after)
        with merge.written(plan):
            killed = (root / ".git/argosy/writing.json").read_bytes()
        (root / ".git/argosy/writing.json").write_bytes(killed)
        (root / "a").write_text(f"edited {round}\n")
        (root / "b").unlink()
        (root / "b").symlink_to("a")
        assert journal.undo()
        assert state(root) == start
        (aside,) = journal.aside
        assert sorted(each.name for each in aside.iterdir()) == ["a", "b"]
        assert (aside / "a").read_text() == f"edited {round}\n"


def test_what_was_committed_since_a_kill_stays(root: Path) -> None:
    """The kill comes before or after the commit, of all or of a part, and someone edits what was committed."""
    commit(root, {"a": "1\n", "b": "1\n"})
    for since in ("all", "part", "none"):
        journal = Journal(root)
        texts = dict.fromkeys(("a", "b", f"new-{since}"), f"{since}\n")
        plan = merge.plan(root, blobs({path: (root / path).read_text() for path in ("a", "b")}), blobs(texts))
        with merge.written(plan):
            killed = (root / ".git/argosy/writing.json").read_bytes()
        paths = {"all": list(texts), "part": ["a"], "none": []}[since]
        git(root, "commit", "--quiet", "--allow-empty", "--message", since, "--only", "--", *paths)
        (root / ".git/argosy/writing.json").write_bytes(killed)
        (root / "a").write_text(f"edited {since}\n" if since != "none" else texts["a"])
        assert journal.undo() is (since != "all")
        assert (root / "a").read_text() == (f"edited {since}\n" if since != "none" else "part\n")
        assert ((root / "b").read_text(), (root / f"new-{since}").exists()) == ("all\n", since == "all")
        assert git(root, "status", "--porcelain") == ("" if since == "none" else " M a\n")
        assert not journal.is_open
        assert journal.aside == () if since == "all" else journal.told.startswith("Commits made since stay.")
        git(root, "reset", "--quiet", "--hard")


def test_a_branch_that_someone_built_on_since_a_kill_is_named(root: Path) -> None:
    commit(root, {"a": "1\n"})
    old = git(root, "rev-parse", "HEAD").strip()
    made = [git(root, "commit-tree", "-p", old, "-m", name, "HEAD^{tree}").strip() for name in ("argosy", "more")]
    later = git(root, "commit-tree", "-p", made[0], "-m", "Later", "HEAD^{tree}").strip()
    moves = dict.fromkeys(("as-written", "later", "other", "not-yet", "here"), (old, made[0]))
    tips = {"as-written": made[0], "later": later, "other": made[1], "not-yet": old, "here": made[0]}
    with merge.written(merge.plan(root, {}, {}), moves=moves):
        killed = (root / ".git/argosy/writing.json").read_bytes()
    (root / ".git/argosy/writing.json").write_bytes(killed)
    for name, tip in tips.items():
        git(root, "branch", name, tip)
    git(root, "switch", "--quiet", "here")
    journal = Journal(root)
    assert journal.undo()
    assert {name: git(root, "rev-parse", name).strip() for name in tips} == {**tips, "as-written": old}
    assert [each.partition(",")[0] for each in journal.kept] == ["later has later commits", "here is checked out"]
    assert journal.told.startswith("Commits made since stay. later has later commits, and keeps what the command")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size plays a full disk there")
def test_what_taking_back_needs_is_reserved_first(root: Path) -> None:
    import resource

    commit(root, {"a": "1\n" * 10_000})
    plan = merge.plan(root, blobs({"a": "1\n" * 10_000}), blobs({"a": "2\n"}))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Journal(root).begin(plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [*(root / ".git/argosy").iterdir()]
    with merge.written(plan):
        assert (root / ".git/argosy/reserve").stat().st_size > 20_000 + (root / ".git/index").stat().st_size
    assert not [*(root / ".git/argosy").iterdir()]


def test_a_journal_that_cannot_be_read(root: Path) -> None:
    commit(root, {"a": "1\n"})
    for name, take_back in (("writing", Journal(root).undo), ("last", Journal(root).abort)):
        file = root / f".git/argosy/{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"\0" * 100)
        with pytest.raises(ArgosyError, match=f"{name}.json is damaged"):
            take_back()
        file.unlink()


def test_a_kill_while_files_are_put_aside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was moved away by then is named as well, and a file of the same name that came since is not put over it."""
    commit(root, {"a": "1\n", "b": "1\n"})
    start = state(root)
    plan = merge.plan(root, blobs({"a": "1\n", "b": "1\n"}), blobs({"a": "2\n", "b": "2\n"}))
    with merge.written(plan):
        killed = (root / ".git/argosy/writing.json").read_bytes()
    (root / ".git/argosy/writing.json").write_bytes(killed)
    for path in ("a", "b"):
        (root / path).write_text(f"edited {path}\n")
    real = shutil.move

    def killed_after(source: Path, target: Path) -> None:
        real(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "move", killed_after)
        with pytest.raises(KeyboardInterrupt):
            Journal(root).undo()
    (root / "a").write_text("edited again\n")
    journal = Journal(root)
    assert journal.undo()
    assert state(root) == start
    assert [(each / path).read_text() for each in journal.aside for path in ("a", "b") if (each / path).exists()] == [
        *("edited a\n", "edited again\n", "edited b\n"),
    ]
    assert all(str(each) in journal.told_left for each in journal.aside)


@pytest.mark.parametrize("flag", ["skip-worktree", "assume-unchanged"])
def test_what_git_does_not_watch_is_not_overwritten(root: Path, flag: str) -> None:
    commit(root, {"a": TEXT, "b": TEXT})
    git(root, "update-index", f"--{flag}", "a")
    (root / "a").write_text("ours\n")
    before, after = blobs({"a": TEXT, "b": TEXT}), blobs({"a": TEXT + "more\n", "b": TEXT + "more\n"})
    plan = merge.plan(root, before, after)
    with pytest.raises(ArgosyError, match=f"a would be changed.*{flag}"):
        merge.refuse_obstacles(plan)
    plan = merge.plan(root, blobs({"b": TEXT}), blobs({"b": TEXT + "more\n"}))
    merge.refuse_obstacles(plan)


def test_files_of_the_same_content_are_not_taken_for_each_other(root: Path) -> None:
    commit(root, {"dev": TEXT + "ours\n", "prod": TEXT})
    plan = merge.plan(root, blobs({"dev": TEXT, "prod": TEXT}), blobs({"dev": TEXT, "live": TEXT}))
    assert {each.path: each.kind for each in plan.changes} == {"prod": Kind.DELETED, "live": Kind.NEW}


def test_a_file_moves_with_what_was_edited(root: Path) -> None:
    commit(root, {"old": "ours\n" + TEXT})
    plan = merge.plan(root, blobs({"new": TEXT}), blobs({"new": TEXT + "more\n"}), {"old": "new"})
    assert {each.path: each.kind for each in plan.changes} == {"old": Kind.DELETED, "new": Kind.MOVED}
    merge.write(plan)
    assert {path: text for path, (_, text) in files(root).items()} == {"new": f"ours\n{TEXT}more\n".encode()}


def test_line_endings_of_the_committed_file_are_kept(root: Path) -> None:
    commit(root, {"crlf": TEXT.replace("\n", "\r\n"), "mixed": "0\r\n" + TEXT})
    pristine = {"crlf": TEXT, "mixed": "0\n" + TEXT}
    plan = merge.plan(root, blobs(pristine), blobs({path: f"{text}more\n" for path, text in pristine.items()}))
    assert not plan.conflicts
    merge.write(plan)
    assert (root / "crlf").read_bytes() == (TEXT + "more\n").replace("\n", "\r\n").encode()
    assert (root / "mixed").read_bytes() == b"0\r\n" + TEXT.encode() + b"more\n"


def test_binary_files_conflict_without_markers(root: Path) -> None:
    commit(root, {"image": b"\x00ours"})
    before, after = {"image": Blob("100644", b"\x00a")}, {"image": Blob("100644", b"\x00b")}
    plan = merge.plan(root, before, after)
    assert plan.conflicts == ["image"]
    merge.write(plan)
    assert (root / "image").read_bytes() == b"\x00ours"


def test_obstacles_are_seen_before_anything_is_written(root: Path) -> None:
    commit(root, {"a": TEXT, "file": "x\n"})
    (root / "new").write_text("mine\n")
    for after in ({"new": "x\n"}, {"file/below": "x\n"}):
        plan = merge.plan(root, {}, blobs(after))
        with pytest.raises(ArgosyError, match=r"new|file is not a folder"):
            merge.refuse_obstacles(plan)


def test_what_the_index_alone_has_in_the_way_is_seen_too(root: Path) -> None:
    """A submodule that was never fetched is an empty folder, and a file that is deleted is not there."""
    commit(root, {"file": TEXT})
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{git(root, 'rev-parse', 'HEAD').strip()},inner")
    git(root, "commit", "--quiet", "--message", "Take another repository in")
    (root / "inner").mkdir()
    (root / "file").unlink()
    for path, reason in {"inner/new": "inner is a submodule", "file/new": "file is not a folder"}.items():
        with pytest.raises(ArgosyError, match=reason):
            merge.refuse_obstacles(merge.plan(root, {}, blobs({path: TEXT})))


def test_a_merge_is_abortable_until_it_is_committed_or_gone(root: Path) -> None:
    commit(root, {"a": "ours\n"})
    start, journal = state(root), Journal(root)
    for settle in (("reset", "--quiet", "--hard"), ("commit", "--quiet", "--all", "--message", "Resolved")):
        plan = merge.plan(root, blobs({"a": "1\n"}), blobs({"a": "2\n"}))
        merge.write(plan)
        assert journal.is_abortable()
        git(root, *settle)
        after = state(root)
        assert not journal.abort()
        assert state(root) == after
    assert start != after
