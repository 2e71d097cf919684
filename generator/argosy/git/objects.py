"""Git's objects: trees, blobs by their ids, and the merge of two commits, none of which touches a work tree."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from argosy import git, temporary
from argosy.errors import ArgosyError, ToolError
from argosy.git.command import LEFT_OUT
from argosy.git.repository import Entry, Object, Objects

EXECUTABLE = "100755"
SYMLINK = "120000"
SUBMODULE = "160000"
TREE = "040000"


_REFUSED = re.compile(r"\t((?:[^\0]*/)?(?:\.\.?|\.git)(?:/[^\0]*)?)\0", re.IGNORECASE)
"""A path that would lead out of the folder that it is written to, or into Git's own."""


class Blob(NamedTuple):
    """A file by its content."""

    mode: str
    content: bytes


Files = Mapping[str, Blob]
"""A tree in memory: path -> file."""


FEW = 100
"""Up to how many paths are looked up one by one; of more, all that a tree holds is listed."""


def head(repository: Path) -> str:
    """Return the id of the commit that is checked out; raise ToolError if there is none."""
    if not (found := git.at(repository).head):
        raise ToolError(f"{repository} has no commit.", "Make one: git add --all and git commit.")
    return found


def entries(repository: Path, tree: str, *paths: str) -> Mapping[str, Entry]:
    """Return the files of a tree by path, with submodules; all, or those at and below some paths."""
    known = git.at(repository)
    name = known.head if tree == "HEAD" and known.head else tree
    found = known.objects.listed.get(name)
    if found is None and (len(paths) <= FEW if paths else known.objects.stays):
        found = _walked(known.objects, name, paths)
        if found is not None and paths:
            return found
    if found is None:
        found = _listed(repository, name)
    if _ID.fullmatch(name):
        known.objects.listed[name] = found
    wanted = frozenset(paths)
    return found if not paths else {path: entry for path, entry in found.items() if is_within(path, wanted)}


_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def _listed(repository: Path, tree: str) -> Mapping[str, Entry]:
    """Return the files of a tree, from a process of its own."""
    listed = git.run(repository, "ls-tree", "-r", "-z", "--full-tree", tree, largest=git.LARGEST)
    if refused := _REFUSED.search(listed):
        raise _not_checked_out(tree, refused[1])
    found = {}
    for line in filter(None, listed.split("\0")):
        head, _, path = line.partition("\t")
        mode, _, blob = head.split(" ")
        found[path] = Entry(mode, blob)
    return found


def _not_checked_out(tree: str, path: str) -> ToolError:
    return ToolError(f"{tree} has a file whose path git itself does not check out: {path}.")


_MODES = frozenset({"100644", EXECUTABLE, SYMLINK, SUBMODULE})
_MOST_FOLDERS, _FEW_FOLDERS, _LARGEST_FOLDER = 5000, 30, 256 * 1024
"""How many folders are read one by one where some paths are wanted, and of a whole tree, in the time that `ls-tree`
takes to start; and how many bytes of each."""


def _walked(known: Objects, tree: str, paths: Sequence[str]) -> Mapping[str, Entry] | None:
    """Return the files of a tree, or those at and below paths, from the process that reads objects.

    Only the folders on the way are read. None where these are many, since a few trees can name one another without
    end, and where one is not as Git writes it: `ls-tree` says what it makes of that.
    """
    wanted = frozenset(path.rstrip("/") for path in paths)
    above = {path[:end] for path in wanted for end in range(len(path)) if path[end] == "/"} | {""}
    found: dict[str, Entry] = {}
    pending, left = {"": f"{tree}^{{tree}}"}, _MOST_FOLDERS if paths else _FEW_FOLDERS
    while pending:
        left -= len(pending)
        held = _trees(known, pending.values()) if left >= 0 else None
        if held is None:
            return None
        following: dict[str, str] = {}
        for folder, name in pending.items():
            for part, entry in held[name]:
                path = f"{folder}/{part}" if folder else part
                is_folder = entry.mode == TREE
                if not part or path in following or not (is_folder or entry.mode in _MODES):
                    return None
                if wanted and not (path in above or is_within(path, wanted)):
                    continue
                if is_folder:
                    following[path] = entry.blob
                elif _REFUSED.search(f"\t{path}\0"):
                    raise _not_checked_out(tree, path)
                elif path not in above:
                    found[path] = entry
        pending = following
    return dict(sorted(found.items(), key=lambda pair: pair[0].encode(errors="surrogateescape")))


def _trees(known: Objects, names: Iterable[str]) -> Mapping[str, Sequence[tuple[str, Entry]]] | None:
    """Return what each tree itself holds; None where one cannot be read, or is not as Git writes it."""
    found = {name: known.trees.get(name) for name in names}
    unread = [name for name, held in found.items() if held is None]
    try:
        for name, read in zip(unread, known.read(unread, _LARGEST_FOLDER), strict=True):
            if read is None or read.kind != "tree" or read.content is None:
                return None
            # By its id: what a branch's name stands for may change.
            found[name] = known.trees[read.name] = parsed_tree(read.content, len(read.name) // 2)
    except ToolError:
        return None
    return {name: held for name, held in found.items() if held is not None}


def is_within(path: str, wanted: Collection[str]) -> bool:
    """Return whether a path, or a folder that it is in, is wanted."""
    return bool(nearest(path, wanted))


def nearest(path: str, wanted: Collection[str]) -> str:
    """Return which of the wanted a path is, or the most specific of them that it is in; "" if none."""
    if not wanted:
        return ""
    while path and path not in wanted:
        path = path.rpartition("/")[0]
    return path


def parsed_tree(content: bytes, width: int) -> Sequence[tuple[str, Entry]]:
    """Return what a tree itself holds, from how Git stores it: mode, name, and id in that many bytes.

    Raise ToolError where it is not as Git writes it.
    """
    found, place = [], 0
    while place < len(content):
        end = content.find(b"\0", place)
        mode, _, name = content[place:end].partition(b" ")
        place = end + 1 + width
        if end < 0 or place > len(content):
            raise ToolError("A tree is not as Git writes it.", "git fsck tells what is wrong.")
        entry = Entry(mode.decode(errors="replace").zfill(6), content[end + 1 : place].hex())
        found.append((name.decode(errors="surrogateescape"), entry))
    return found


def types(root: Path, names: Collection[str]) -> list[tuple[str, str]]:
    """Return id and type of the object that each name stands for, ("", "") where there is none."""
    return [(each.name, each.kind) if each else ("", "") for each in git.at(root).objects.find(names)]


def named(repository: Path, names: Collection[str]) -> list[tuple[str, str, bytes]]:
    """Return id, type and content of the object that each name stands for, ("", "", b"") where there is none."""
    asked = list(names)
    return [
        (each.name, each.kind, _whole(name, each)) if each else ("", "", b"")
        for name, each in zip(asked, git.at(repository).objects.read(asked), strict=True)
    ]


def _whole(name: str, found: Object) -> bytes:
    """Return what an object holds; raise ToolError where that is too much."""
    if found.content is None:
        raise too_large(name, found.size)
    return found.content


def too_large(path: str, size: int) -> ToolError:
    """Return the error that a file of so many bytes would have to be read."""
    return ToolError(
        f"{path} has {size:,} bytes, and argosy reads no file of more than {git.LARGEST:,}.",
        "Move it out of the folders that Argo CD deploys, or out of the repository.",
    )


def contents(repository: Path, blobs: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of blobs by their ids; raise ToolError where one is too large."""
    found, large = _read(repository, blobs)
    for blob, size in large.items():
        paths = (path for path, entry in entries(repository, "HEAD").items() if entry.blob == blob)
        raise too_large(next(paths, blob), size)
    return found


def blobs(repository: Path, found: Mapping[str, Entry], paths: Iterable[str]) -> dict[str, Blob]:
    """Return those of the paths that a tree's entries hold, with their contents; raise ToolError for one too large."""
    held, large = measured(repository, found, paths)
    for path, size in large.items():
        raise too_large(path, size)
    return held


def measured(
    repository: Path, found: Mapping[str, Entry], paths: Iterable[str]
) -> tuple[dict[str, Blob], dict[str, int]]:
    """Return those of the paths that a tree's entries hold: with their contents, and, of the too large, their sizes."""
    wanted = {path: found[path] for path in paths if path in found}
    held, large = _read(repository, (entry.blob for entry in wanted.values()))
    return (
        {path: Blob(entry.mode, held[entry.blob]) for path, entry in wanted.items() if entry.blob in held},
        {path: large[entry.blob] for path, entry in wanted.items() if entry.blob in large},
    )


def _read(repository: Path, blobs: Iterable[str]) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the contents of blobs by their ids, and the sizes of those that are too large to be read."""
    wanted = list(dict.fromkeys(blobs))
    found, large = {}, {}
    for blob, read in zip(wanted, git.at(repository).objects.read(wanted), strict=True):
        if read is None:
            raise ToolError(f"{repository} lacks the object {blob}.", LEFT_OUT)
        if read.content is None:
            large[blob] = read.size
        else:
            found[blob] = read.content
    return found, large


def blob_id(content: bytes, like: str) -> str:
    """Return the id of a blob in a repository whose objects have ids like that one."""
    made = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return made(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def store(repository: Path, contents: Iterable[bytes]) -> None:
    """Put blobs into a repository."""
    stream = b"".join(b"blob\ndata %d\n%s\n" % (len(each), each) for each in dict.fromkeys(contents))
    if stream:
        git.run(repository, "fast-import", "--quiet", stdin=stream)


def _begin(folder: Path) -> None:
    """Make an empty repository in a folder: what `git init` makes, as far as Git needs it."""
    for part in ("objects", "refs"):
        (folder / ".git" / part).mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")


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


Sides = Mapping[int, Blob]
"""What the index holds of a conflict: the base (1), ours (2) and theirs (3), as far as they have the file."""


def merge(base: Files, ours: Files, theirs: Files, names: tuple[str, str]) -> tuple[Files, Mapping[str, Sides]]:
    """Merge two trees that come from a third, and return the files that come out with the sides of each conflict.

    The names of ours and theirs stand beside the markers of a conflict. Renames are not looked for: two environments'
    files often are the same bytes, and Git would take one for the other.
    """
    paths = {*base, *ours, *theirs}
    merged = {path: ours[path] for path in ours if base.get(path) == theirs.get(path)}
    merged |= {path: theirs[path] for path in theirs if ours.get(path) in {base.get(path), theirs.get(path)}}
    # What only one side changed needs no merge.
    left = [path for path in paths if len({side.get(path) for side in (base, ours, theirs)}) == 3]
    if not left:
        return merged, {}
    with temporary.folder("merge") as folder:
        _begin(folder)
        first, second, third = ({path: side[path] for path in left if path in side} for side in (base, ours, theirs))
        commit(folder, {"base": ("", first), names[0]: ("base", second), names[1]: ("base", third)})
        printed = git.run(
            folder,
            *("-c", "merge.renames=false", "-c", "diff.renames=false"),
            *("merge-tree", "--write-tree", "--no-messages", "-z", *names),
            accepted=(0, 1, 129),
        )
        tree, *lines = printed.split("\0")
        if not lines:
            raise ToolError("git is too old to merge without a work tree.", "Install git 2.38 or newer.")
        sides: dict[str, dict[int, Blob]] = defaultdict(dict)
        for line in filter(None, lines):
            path = line.partition("\t")[2]
            sides[path] = {stage: side[path] for stage, side in ((1, first), (2, second), (3, third)) if path in side}
        found = _listed(folder, tree)
        return {**merged, **blobs(folder, found, found)}, dict(sides)


def diff(before: Files, after: Files) -> str:
    """Return the unified diff of two trees."""
    with temporary.folder("diff") as folder:
        _begin(folder)
        commit(folder, {"before": ("", before), "after": ("before", after)})
        return git.run(folder, "diff", "--no-renames", "--no-color", "--no-ext-diff", "before", "after")


def commit_all(folder: Path, message: str) -> None:
    """Commit all that is in a folder, ignored or not; without an identity of the user's, as argosy."""
    git.run(folder, "add", "--all", "--force")
    git.run(folder, "commit", "--quiet", "--message", message, environment=git.at(folder).identity())
    git.forget()


def commit_paths(root: Path, message: str, paths: Iterable[str]) -> None:
    """Commit these paths alone, whatever else is staged; the user's hooks have their say, and may add files.

    Where nothing else is staged, what a hook adds to the index stays in it. Otherwise git keeps two, and what the hook
    added to the commit is brought into the one that stays.
    """
    known, before, branch = git.at(root), head(root), git.branch(root)
    if not known.is_current():
        known.forget_status()
        refuse_another(root, before, branch)
    listed = frozenset(paths)
    wanted = ("--pathspec-from-file=-", "--pathspec-file-nul")
    others = {path.rstrip("/") for path, letters in known.status.items() if letters in {"??", "!!"}}
    fresh = joined(path for path in listed if is_within(path, others))
    staged = {path for path, letters in known.status.items() if letters[0] not in " ?!" and not is_within(path, listed)}
    loose = any(letters[1] != " " and is_within(path, listed) for path, letters in known.status.items())
    if not (fresh or staged or loose):
        try:
            git.run(root, "commit", "--quiet", "--message", message)
        finally:
            git.forget()
        return
    if fresh:
        git.run(root, "--literal-pathspecs", "add", "--force", "--intent-to-add", *wanted, stdin=fresh)
    try:
        command = ("--literal-pathspecs", "commit", "--quiet", "--message", message, "--only")
        git.run(root, *command, *wanted, stdin=joined(listed))
    except BaseException:
        if fresh:
            git.run(root, "--literal-pathspecs", "reset", "--quiet", *wanted, stdin=fresh)
        raise
    finally:
        git.forget()
    made = git.run(root, "diff-tree", "-r", "-z", "--name-only", before, "HEAD").split("\0")
    git.run(root, "--literal-pathspecs", "reset", "--quiet", *wanted, stdin=joined({*made[:-1]} - staged))


def refuse_another(root: Path, commit: str, branch: str) -> None:
    """Raise ArgosyError unless this commit, and this branch, "" for none, were checked out at the latest status."""
    there, name = git.at(root).present
    if there != commit:
        raise ArgosyError(
            f"Somebody else has committed meanwhile: HEAD was {commit[:12]}, and is {there[:12]}.",
            "argosy has changed nothing. Run this command again.",
        )
    if name != branch:
        raise ArgosyError(
            f"Somebody else has switched branches meanwhile: {branch or 'no branch'} was checked out, and now it is "
            f"{name or 'none'}.",
            f"argosy has changed nothing. Go back (git switch {branch or f'--detach {commit[:12]}'}), or run this "
            "command again for the new branch.",
        )


def joined(paths: Iterable[str]) -> bytes:
    """Return paths as git reads them with `-z`."""
    return "\0".join(paths).encode(errors="surrogateescape")
