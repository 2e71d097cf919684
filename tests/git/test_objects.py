"""Git's objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from argosy.errors import ToolError
from argosy.git import asked_once, objects
from argosy.git.objects import Blob
from tests.changing import commit, git, raw_tree, stored

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


def test_only_some_paths_are_looked_up(root: Path) -> None:
    commit(root, dict.fromkeys(["a", "folder/b", "folder/deep/c", "folder-b/d", "other/e"], "1\n"))
    for paths in (["folder"], ["folder/deep/c", "a", "absent"], ["folder/"], ["other", "folder/b"], ["a/b"]):
        listed = git(root, "ls-tree", "-r", "--name-only", "HEAD", "--", *paths).splitlines()
        assert list(objects.entries(root, "HEAD", *paths)) == listed
        assert objects.entries(root, "HEAD", *paths).items() <= objects.entries(root, "HEAD").items()


def listed(root: Path, tree: str, *paths: str) -> list[tuple[str, object]] | str:
    """Return the files of a tree, or what is wrong with it."""
    try:
        return [*objects.entries(root, tree, *paths).items()]
    except ToolError as error:
        return error.message


FILE, FOLDER = "100644", "40000"
TREES: Mapping[str, Sequence[tuple[str, str, str]] | bytes] = {
    "empty": [],
    "usual": [
        *(("100755", "a", "file"), ("120000", "b", "file"), (FOLDER, "b.d", "folder"), ("160000", "c", "1" * 40)),
        (FOLDER, "é", "folder"),
    ],
    "what Git wrote long ago": [("100664", "a", "file")],
    "no order": [(FILE, "b", "file"), (FILE, "a", "file")],
    "a name twice": [(FOLDER, "a", "folder"), (FOLDER, "a", "empty")],
    "a name of two files": [(FILE, "a", "file"), ("120000", "a", "file")],
    "a name of a file and a folder": [(FILE, "a", "file"), (FOLDER, "a", "folder")],
    "no name": [(FILE, "", "file")],
    "no mode": [("", "a", "file")],
    "half an id": [(FILE, "a", "file"), (FILE, "b", "1" * 20)],
    "no end of a name": b"100644 a",
    "a folder that is a file": [(FOLDER, "a", "file")],
    "a folder that is a file that looks like one": [(FOLDER, "a", "like a folder")],
    "a folder that is not there": [(FOLDER, "a", "2" * 40)],
    "a folder that is a commit": [(FOLDER, "a", "commit")],
    "above": [(FOLDER, "..", "folder")],
    "Git's own": [(FILE, ".git", "file")],
    "a large folder": [(FILE, f"{number:05}", "file") for number in range(9000)],
    "many folders": [(FOLDER, f"{number:03}", "folder") for number in range(300)],
    "folders that name one another": [(FOLDER, "a", "doubled"), (FOLDER, "b", "doubled")],
}


@pytest.mark.parametrize("entries", TREES.values(), ids=TREES)
def test_a_tree_is_listed_as_git_lists_it(root: Path, entries: Sequence[tuple[str, str, str]] | bytes) -> None:
    commit(root, {"folder/x": "1\n", "folder/y/z": "2\n"})
    blob, folder, head = git(root, "rev-parse", "HEAD:folder/x", "HEAD:folder", "HEAD").split()
    ids = {"file": blob, "folder": folder, "commit": head, "empty": stored(root, b""), "doubled": folder}
    ids["like a folder"] = stored(root, raw_tree((FILE, "a", blob)), "blob")
    for _ in range(9):
        ids["doubled"] = stored(root, raw_tree((FOLDER, "a", ids["doubled"]), (FOLDER, "b", ids["doubled"])))
    if not isinstance(entries, bytes):
        entries = raw_tree(*((mode, name, ids.get(named, named)) for mode, name, named in entries))
    tree = stored(root, entries)
    by_git = listed(root, tree)
    with asked_once():
        at_once = listed(root, tree)
        assert listed(root, tree) == at_once
    assert at_once == by_git or at_once == sorted(by_git)
    for path in ("a", "b.d/y", "absent"):
        found = listed(root, tree, path)
        if isinstance(by_git, str):
            assert found in ([], by_git)
        else:
            wanted = [each for each in by_git if objects.is_within(each[0], {path})]
            assert found == wanted or found == sorted(wanted)


def test_a_git_is_started_to_list_a_tree_only_where_that_may_take_long(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(root, {"a": "1\n", "folder/b": "2\n"})
    blob, folder = git(root, "rev-parse", "HEAD:a", "HEAD:folder").split()
    doubled = stored(root, b"")
    for _ in range(60):
        doubled = stored(root, raw_tree((FOLDER, "a", doubled), (FOLDER, "b", doubled)))
    many = stored(root, raw_tree(*((FOLDER, f"{number:03}", folder) for number in range(300))))
    large = stored(root, raw_tree(*((FILE, f"{number:05}", blob) for number in range(9000))))
    asked = []

    def ask(_: Path, *command: str, largest: int) -> str:
        asked.append(command[-1])
        return ""

    with asked_once():
        head = objects.head(root)
        monkeypatch.setattr("argosy.git.run", ask)
        assert [*objects.entries(root, head)] == ["a", "folder/b"]
        for tree in (doubled, many, large):
            assert not objects.entries(root, tree)
        assert not objects.entries(root, stored(root, raw_tree((FOLDER, "a", doubled))), "a")
    assert asked[:3] == [doubled, many, large]
    assert len(asked) == 4


def test_a_branch_is_listed_as_it_is_now(root: Path) -> None:
    with asked_once():
        for path in ("a", "b"):
            commit(root, {f"folder/{path}": "1\n"})
            assert f"folder/{path}" in objects.entries(root, git(root, "branch", "--show-current").strip())


def test_many_names_are_asked_for_at_once(root: Path) -> None:
    commit(root, {"a": "1\n", "odd\nname": "2\n"})
    absent = [f"HEAD:{number}" * 20 for number in range(500)]
    with asked_once():
        kinds = [kind for _, kind in objects.types(root, ["HEAD:a", *absent, "HEAD:odd\nname", "HEAD^{tree}"])]
    assert kinds == ["blob", *[""] * 501, "tree"]


def test_a_merge_of_files() -> None:
    def blobs(**files: str) -> dict[str, Blob]:
        return {path: Blob("100644", text.encode()) for path, text in files.items()}

    base = blobs(a="0\n", b="same\n", gone="0\n", left="0\n", both="0\n", lines="1\n2\n3\n4\n")
    ours = blobs(a="1\n", b="same\n", gone="0\n", left="1\n", both="1\n", lines="0\n2\n3\n4\n", own="1\n")
    theirs = blobs(a="2\n", b="new\n", left="0\n", both="1\n", lines="1\n2\n3\n5\n", theirs="1\n")
    merged, sides = objects.merge(base, ours, theirs, ("ours", "theirs"))
    assert sides == {"a": {1: base["a"], 2: ours["a"], 3: theirs["a"]}}
    conflict = "<<<<<<< ours\n1\n=======\n2\n>>>>>>> theirs\n"
    outcome = {"b": "new\n", "left": "1\n", "both": "1\n", "lines": "0\n2\n3\n5\n", "own": "1\n", "theirs": "1\n"}
    assert merged == blobs(a=conflict, **outcome)


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_blobs_are_stored(tmp_path: Path, kind: str) -> None:
    git(tmp_path, "init", "--quiet", f"--object-format={kind}")
    commit(tmp_path, {"a": "1\n"})
    like = objects.head(tmp_path)
    objects.store(tmp_path, CONTENTS.values())
    names = [objects.blob_id(content, like) for content in CONTENTS.values()]
    assert objects.contents(tmp_path, names) == dict(zip(names, CONTENTS.values(), strict=True))
    objects.store(tmp_path, [])


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
    with pytest.raises(ToolError, match="tell me who you are"):
        objects.commit_paths(root, "By nobody", ["a"])
    objects.commit_all(root, "By argosy")
    assert git(root, "log", "-1", "--format=%an") == "argosy\n"
