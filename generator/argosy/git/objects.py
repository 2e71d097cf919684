"""Git's objects: trees, blobs by their ids, and the merge of two commits, none of which touches a work tree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from argosy import git
from argosy.errors import ToolError

EXECUTABLE = "100755"
SYMLINK = "120000"
SUBMODULE = "160000"


_REFUSED = re.compile(r"\t((?:[^\0]*/)?(?:\.\.?|\.git)(?:/[^\0]*)?)\0", re.IGNORECASE)
"""A path that would lead out of the folder that it is written to, or into Git's own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree or of the index: its mode, its blob's id, and in a conflict which side it is."""

    mode: str
    blob: str
    stage: int = 0


class Blob(NamedTuple):
    """A file by its content."""

    mode: str
    content: bytes


Files = Mapping[str, Blob]
"""A tree in memory: path -> file."""


def head(repository: Path) -> str:
    """Return the id of the commit that is checked out; raise ToolError if there is none."""
    return git.run(repository, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()


def entries(repository: Path, tree: str, *paths: str) -> dict[str, Entry]:
    """Return the files of a tree by path, with submodules; all, or those at and below some paths."""
    listed = git.run(repository, "ls-tree", "-r", "-z", "--full-tree", tree, "--", *paths)
    if refused := _REFUSED.search(listed):
        raise ToolError(f"{tree} has a file whose path git itself does not check out: {refused[1]}.")
    found = {}
    for line in filter(None, listed.split("\0")):
        head, _, path = line.partition("\t")
        mode, _, blob = head.split(" ")
        found[path] = Entry(mode, blob)
    return found


def types(root: Path, names: Collection[str]) -> list[tuple[str, str]]:
    """Return id and type of the object that each name stands for, ("", "") where there is none."""
    if not names:
        return []
    asked = "".join(f"{name}\n" for name in names).encode(errors="surrogateescape")
    answers = git.run(root, "cat-file", "--batch-check=%(objectname) %(objecttype) .", stdin=asked).splitlines()
    return [
        (parts[0], parts[1]) if len(parts := line.split(" ")) == 3 and parts[2] == "." else ("", "") for line in answers
    ]


def contents(repository: Path, blobs: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of blobs by their ids."""
    wanted = list(dict.fromkeys(blobs))
    if not wanted:
        return {}
    asked = "".join(f"{blob}\n" for blob in wanted).encode()
    answer = git.run(repository, "cat-file", "--batch", stdin=asked).encode(errors="surrogateescape")
    found, place = {}, 0
    for blob in wanted:
        end = answer.index(b"\n", place)
        if answer.endswith(b" missing", place, end):
            raise ToolError(
                f"{repository} lacks the object {blob}.", "Fetch what this clone left out: git fetch --refetch."
            )
        size = int(answer[place:end].split(b" ")[2])
        found[blob] = answer[end + 1 : end + 1 + size]
        place = end + 2 + size
    return found


def blobs(repository: Path, found: Mapping[str, Entry], paths: Iterable[str]) -> dict[str, Blob]:
    """Return those of the paths that a tree's entries hold, with their contents."""
    wanted = {path: found[path] for path in paths if path in found}
    held = contents(repository, (entry.blob for entry in wanted.values()))
    return {path: Blob(entry.mode, held[entry.blob]) for path, entry in wanted.items()}


def commit(repository: Path, branches: Mapping[str, tuple[str, Files]]) -> None:
    """Make a commit on each branch, in order: branch -> (parent branch or "", files)."""
    stream = bytearray()
    for name, (parent, files) in branches.items():
        stream += f"commit refs/heads/{name}\ncommitter argosy <argosy@localhost> 0 +0000\ndata 0\n".encode()
        stream += f"from refs/heads/{parent}\ndeleteall\n".encode() if parent else b""
        for path, (mode, content) in files.items():
            quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            line = f'M {mode} inline "{quoted}"\ndata {len(content)}\n'
            stream += line.encode(errors="surrogateescape") + content + b"\n"
    git.run(repository, "fast-import", "--quiet", stdin=bytes(stream))


def merge(repository: Path, ours: str, theirs: str) -> tuple[str, dict[str, list[Entry]]]:
    """Merge two commits, and return the tree that comes out with the sides of each conflict, by path.

    Renames are not looked for: two environments' files often are the same bytes, and Git would take one for the other.
    """
    printed = git.run(
        repository,
        *("-c", "merge.renames=false", "-c", "diff.renames=false"),
        *("merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs),
        accepted=(0, 1, 129),
    )
    tree, *lines = printed.split("\0")
    if not lines:
        raise ToolError("git is too old to merge without a work tree.", "Install git 2.38 or newer.")
    sides: dict[str, list[Entry]] = defaultdict(list)
    for line in filter(None, lines):
        head, _, path = line.partition("\t")
        mode, blob, stage = head.split(" ")
        sides[path].append(Entry(mode, blob, int(stage)))
    return tree, dict(sides)


def copy(source: Path, target: Path, wanted: Iterable[str]) -> None:
    """Copy blobs from one repository into another."""
    listed = "".join(f"{blob}\n" for blob in dict.fromkeys(wanted))
    if listed:
        pack = git.run(source, "pack-objects", "--stdout", "--quiet", stdin=listed.encode())
        git.run(target, "unpack-objects", "-q", stdin=pack.encode(errors="surrogateescape"))


def commit_paths(root: Path, message: str, paths: Iterable[str]) -> None:
    """Commit these paths alone, whatever else is staged; the user's hooks have their say."""
    listed = joined(paths)
    wanted = ("--pathspec-from-file=-", "--pathspec-file-nul")
    untracked = git.run(root, "ls-files", "--others", "-z").split("\0")
    fresh = joined(set(untracked) & set(listed.decode(errors="surrogateescape").split("\0")) - {""})
    if fresh:
        git.run(root, "--literal-pathspecs", "add", "--force", "--intent-to-add", *wanted, stdin=fresh)
    try:
        command = ("--literal-pathspecs", "commit", "--quiet", "--message", message, "--only")
        git.run(root, *command, *wanted, stdin=listed, environment=git.identity(root))
    except BaseException:
        if fresh:
            git.run(root, "--literal-pathspecs", "reset", "--quiet", *wanted, stdin=fresh)
        raise


def joined(paths: Iterable[str]) -> bytes:
    """Return paths as git reads them with `-z`."""
    return "\0".join(paths).encode(errors="surrogateescape")
