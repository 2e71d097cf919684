"""Files are found and read, whatever lies in a repository."""

import os
import tempfile
from pathlib import Path

import pytest

from argosy.documents import DefectKind, File, find, read
from tests import privileges
from tests.documents.texts import load, only


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_a_mark_is_decoded(encoding: str, tmp_path: Path) -> None:
    assert only(load(tmp_path, "name: café\n".encode(encoding))).data == {"name": "café"}


@pytest.mark.parametrize(
    ("content", "kind", "line"),
    [
        ("a: 1\nb: café\n".encode("latin-1"), DefectKind.ENCODING, 2),
        (b"\xff\xfea", DefectKind.ENCODING, 1),
        (b"a: \0", DefectKind.BINARY, None),
        ("a: 1".encode("utf-16-le"), DefectKind.BINARY, None),
    ],
)
def test_what_is_not_unicode_is_a_defect(content: bytes, kind: DefectKind, line: int | None, tmp_path: Path) -> None:
    [found] = load(tmp_path, content).defects
    assert (found.kind, found.line) == (kind, line)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    assert only(read(File("a.yaml", tmp_path / "a.yaml"), largest=5)).data == {"a": 1}
    [found] = read(File("a.yaml", tmp_path / "a.yaml"), largest=4).defects
    assert found.kind is DefectKind.TOO_LARGE


def test_what_is_no_readable_file_is_a_defect(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe.yaml", "folder.yaml", "missing.yaml"):
        [found] = read(File(name, tmp_path / name)).defects
        assert found.kind is DefectKind.UNREADABLE


def test_what_may_not_be_read_is_a_defect() -> None:
    # pytest's own folders are closed to others: the reason has to be this file and this folder.
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tree(root, "open.yaml", "closed.yaml", "closed/a.yaml")
        root.chmod(0o755)
        (root / "closed.yaml").chmod(0)
        (root / "closed").chmod(0)
        with privileges.dropped():
            found = {file.path: [each.kind for each in read(file).defects] for file in find(root)}
        (root / "closed").chmod(0o755)
    assert found == {
        "closed": [DefectKind.UNREADABLE],
        "closed.yaml": [DefectKind.UNREADABLE],
        "open.yaml": [],
    }


def tree(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("a: 1\n")


def test_files_are_found_sorted_and_other_peoples_folders_are_not_entered(tmp_path: Path) -> None:
    tree(tmp_path, "b/c.yml", "b.json", "a.yaml", "k/Kustomization", "README.md", "x.yaml.bak", ".argocd/z.yaml")
    tree(tmp_path, ".git/a.yaml", "sub/node_modules/a.yaml", "sub/.venv/a.yaml", ".terraform/a.json", "build/a.yaml")
    found = find(tmp_path, ignored=lambda path: path == "build")
    assert [file.path for file in found] == [".argocd/z.yaml", "a.yaml", "b.json", "b/c.yml", "k/Kustomization"]
    assert all(not read(file).defects or file.path == "b.json" for file in found)


def test_only_the_given_paths_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/1.yaml", "a/b/2.yaml", "c/3.yaml", "notes.txt", "../outside.yaml")
    given = [
        Path("a/b"),
        Path("a"),
        Path("notes.txt"),
        tmp_path / "c/3.yaml",
        Path("gone.yaml"),
        Path("../outside.yaml"),
    ]
    monkeypatch.chdir(tmp_path)
    for root in (tmp_path, Path()):
        found = find(root, given)
        assert [file.path for file in found] == [
            "../outside.yaml",
            "a/1.yaml",
            "a/b/2.yaml",
            "c/3.yaml",
            "gone.yaml",
            "notes.txt",
        ]
        kinds = {file.path: [each.kind for each in read(file).defects] for file in found}
        assert kinds["../outside.yaml"] == [DefectKind.SYMLINK]
        assert kinds["gone.yaml"] == [DefectKind.UNREADABLE]
        assert kinds["notes.txt"] == []


def test_links_that_leave_the_repository_or_go_round_are_defects(tmp_path: Path) -> None:
    root = tmp_path / "root"
    tree(tmp_path, "outside/secret.yaml", "root/real/a.yaml")
    links = {
        "away": "../outside",
        "away.yaml": "../outside/secret.yaml",
        "absolute.yaml": os.fspath(root / "real/a.yaml"),
        "inside": "real",
        "inside.yaml": "real/a.yaml",
        "gone.yaml": "gone",
        "self.yaml": "self.yaml",
        "real/round": "..",
        "gone.txt": "gone",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    found = {file.path: [each.kind for each in read(file).defects] for file in find(root)}
    linked = ("absolute.yaml", "away", "away.yaml", "gone.yaml", "real/round", "self.yaml")
    assert found == {name: [DefectKind.SYMLINK] for name in linked} | {"inside.yaml": [], "real/a.yaml": []}
    assert [file.path for file in find(root, [Path("inside")])] == ["inside/a.yaml", "inside/round"]


def test_a_root_that_is_a_link_takes_paths_of_either_name(tmp_path: Path) -> None:
    tree(tmp_path, "real/a.yaml")
    (tmp_path / "link").symlink_to("real")
    for path in ("link/a.yaml", "real/a.yaml"):
        assert [file.path for file in find(tmp_path / "link", [tmp_path / path])] == ["a.yaml"]


def test_a_name_that_is_not_unicode_can_be_shown(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.yaml")).write_text("a: 1\n")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe8.yaml")).write_text("a: 1\n")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    found = find(tmp_path)
    assert [file.path for file in found] == ["caf\ufffd.yaml"] * 2
    assert [only(read(file)).data for file in found] == [{"a": 1}] * 2
