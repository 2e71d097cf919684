"""Two pristine trees -> the user's tree: a three-way merge by Git.

base = pristine before, theirs = pristine after, ours = what is committed. A file that people never touched is replaced,
one that they edited is merged line by line, one that they deleted stays deleted; at worst there is a conflict, which
Git's own markers and index show. `plan` computes all of it without touching the repository; `write` puts it in place.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from argosy import git
from argosy.change import pins
from argosy.errors import ArgosyError, UsageError
from argosy.git import branches, objects
from argosy.git.objects import SUBMODULE, Blob, Files, Sides
from argosy.git.repository import Entry
from argosy.git.snapshot import Written


class Kind(StrEnum):
    """What happens to a file."""

    NEW = "new"
    CHANGED = "changed"
    """Nobody had edited it: replaced."""
    MERGED = "merged"
    """Edited by hand, and merged."""
    MOVED = "moved"
    """It takes over what another path held."""
    DELETED = "deleted"
    CONFLICTING = "conflicting"
    KEPT = "kept deleted"
    """Deleted by hand, and changed by the template: stays deleted."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one file."""

    path: str
    kind: Kind
    blob: Blob | None = None
    """The file afterwards, in a conflict with its markers; None if it is gone."""
    sides: Sides = field(default_factory=dict)
    """In a conflict: what the index holds of each side."""

    @property
    def is_marked(self) -> bool:
        """Whether the file has a conflict's markers: not where one side took it away."""
        return {2, 3} <= self.sides.keys()

    @property
    def wanted(self) -> Blob | None:
        """The file as the change would have it: of a conflict, the template's side."""
        return self.sides.get(3, self.blob)


@dataclass(frozen=True, slots=True)
class Plan:
    """A merge that is ready to be written."""

    root: Path
    head: str
    """The commit that `changes` start from."""
    branch: str
    """The branch that it is checked out on; "" for none."""
    committed: Files
    """What is committed in the places that may be touched."""
    changes: Sequence[Change]
    new: Collection[str]
    """The paths among the touched ones that are not committed yet."""
    left_behind: frozenset[str] = frozenset()
    """The paths that an earlier update had left as they were, and that nobody edited."""
    kept: frozenset[str] = frozenset()
    """The seeded files that stay as they are, although a new version of the template writes them in another way."""
    notes: tuple[str, ...] = ()
    """What a person is to know of a newer version of the template, besides the files."""

    @property
    def conflicts(self) -> list[str]:
        """The paths that conflict."""
        return [change.path for change in self.changes if change.kind is Kind.CONFLICTING]

    @property
    def touched(self) -> list[Change]:
        """The changes that touch the tree."""
        return [change for change in self.changes if change.kind is not Kind.KEPT]

    @property
    def written(self) -> Written:
        """The files that are touched, as the change would have them."""
        return {change.path: change.wanted for change in self.touched}

    def diff(self) -> str:
        """Return the unified diff from what is committed to what would be written."""
        after = {change.path: change.blob for change in self.touched}
        held = {**self.committed, **after}
        return objects.diff(self.committed, {path: blob for path, blob in held.items() if blob})


def plan(root: Path, before: Files, after: Files, moves: Mapping[str, str] | None = None) -> Plan:
    """Return the merge of the difference between two pristine trees into what is committed at a repository's root.

    Files of the repository move first, as `moves` says: old path -> new. The pristine trees know their new paths alone.
    """
    moved = moves or {}
    differing = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    differing |= {*moved, *moved.values()}
    head = objects.head(root)
    committed = _committed(root, head, differing)
    ours = {moved.get(path, path): blob for path, blob in committed.items()}
    kept = {path for path in differing if path in before and path in after and path not in ours}
    active = sorted(path for path in differing - kept if path in after or path in ours)

    def side(files: Files) -> dict[str, Blob]:
        return {path: _as_written(files[path], ours.get(path)) for path in active if path in files}

    base, yours, theirs = pins.settled(side(before), side(ours), side(after))
    # Git shows these names beside the markers of a conflict.
    merged, sides = objects.merge(base, yours, theirs, ("yours", "template"))
    untouched = {path for path, file in base.items() if yours.get(path) == file}
    changes = [Change(path, Kind.KEPT) for path in kept]
    targets = set(moved.values())
    listed = _changes(committed, merged, sides, untouched)
    changes += (_as_moved(each) if each.path in targets else each for each in listed)
    ordered = sorted(changes, key=lambda change: change.path)
    new = frozenset(each.path for each in ordered if each.kind is not Kind.KEPT) - committed.keys()
    return Plan(root, head, git.branch(root), committed, ordered, new)


def _committed(root: Path, head: str, paths: Collection[str]) -> dict[str, Blob]:
    entries = objects.entries(root, head, *paths) if paths else {}
    found = [path for path in paths if path in entries]
    refuse_submodules({path: entries[path] for path in found})
    return objects.blobs(root, entries, found)


def refuse_submodules(entries: Mapping[str, Entry]) -> None:
    """Raise ArgosyError where one of the entries is a submodule, whose content is none of this repository's."""
    for path, entry in entries.items():
        if entry.mode == SUBMODULE:
            raise ArgosyError(
                f"{path} is a submodule, which argosy does not move, change or remove.",
                f"Remove it first: git rm {path}, and commit.",
            )


def _as_written(pristine: Blob, ours: Blob | None) -> Blob:
    """Return a pristine file with the line endings that the committed one has throughout."""
    if ours and b"\r\n" in ours.content and ours.content.count(b"\r\n") == ours.content.count(b"\n"):
        return Blob(pristine.mode, pristine.content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return pristine


def _changes(
    ours: Files,
    merged: Files,
    sides: Mapping[str, Sides],
    untouched: Collection[str],
) -> Iterator[Change]:
    for path in sorted({*ours, *merged, *sides}):
        before, after = ours.get(path), merged.get(path)
        if path in sides:
            yield Change(path, Kind.CONFLICTING, after, sides[path])
        elif before == after:
            continue
        elif after is None:
            yield Change(path, Kind.DELETED)
        elif before is None:
            yield Change(path, Kind.NEW, after)
        else:
            yield Change(path, Kind.CHANGED if path in untouched else Kind.MERGED, after)


def _as_moved(change: Change) -> Change:
    return Change(change.path, Kind.MOVED, change.blob) if change.kind is Kind.NEW else change


# What stands in the way


def refuse_obstacles(plan: Plan) -> None:
    """Raise ArgosyError where writing a plan would take away something that is not committed, or that nobody sees."""
    touched = {change.path for change in plan.touched}
    status = git.at(plan.root).status
    _refuse([path for path in touched if status.get(path, "??") not in {"??", "!!"}])
    _refuse_unwatched(plan.root, touched)
    _refuse([path for path in plan.new if os.path.lexists(plan.root / path)])
    folders = {path[:end] for path in touched for end, character in enumerate(path) if character == "/"}
    # Git would take a submodule, or a file that is deleted and not committed so, out of the index.
    above = {each.path: each.entry for each in git.at(plan.root).index if each.path in folders}
    refuse_submodules(above)
    for folder in sorted(folders):
        place = plan.root / folder
        if folder in above or (os.path.lexists(place) and (place.is_symlink() or not place.is_dir())):
            raise ArgosyError(
                f"{folder} is not a folder, and files have to be written below it.",
                "Move it out of the way, and commit.",
            )


def _refuse(paths: Sequence[str]) -> None:
    if paths:
        shown = "\n".join(f"  {path}" for path in sorted(paths)[:10])
        raise ArgosyError(
            f"These files would be changed, but have uncommitted changes:\n{shown}",
            "Commit them first, or set them aside: git stash push --include-untracked -- PATH.",
        )


def _refuse_unwatched(root: Path, touched: Collection[str]) -> None:
    """Raise ArgosyError where git was told to overlook changes of a file that would be touched.

    Such a file is there to be different from what is committed, and `git status` does not say whether it is. One that
    a sparse checkout left out holds nothing that could be lost.
    """
    for path, _, _, tag in git.at(root).index:
        if path not in touched or not (tag.islower() or (tag == "S" and os.path.lexists(root / path))):
            continue
        flag = "skip-worktree" if tag in "Ss" else "assume-unchanged"
        raise ArgosyError(
            f"{path} would be changed, but git overlooks changes of it here ({flag}): yours could be lost.",
            f"End that, and commit or stash your changes: git update-index --no-{flag} -- {path}.",
        )


# Writing: all of it, or nothing


class Journal:
    """What a command writes, noted so that it can be taken back: after a kill, or when someone wants to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        folder = git.at(root).git_path("argosy").resolve()
        self._writing, self._last = folder / "writing.json", folder / "last.json"
        self._reserve = folder / "reserve"
        """Space on the disk that taking back needs: git writes files and the index anew."""
        self._message = git.at(root).git_path("MERGE_MSG")
        self.aside: Sequence[Path] = ()
        """Where `undo` has put files that are not what the command wrote: someone may have edited them since."""
        self.kept: Sequence[str] = ()
        """The branches that `undo` has left as they are, since someone has built on them, each as a sentence."""
        self.is_partial = False
        """Whether there are commits that `undo` has left."""

    def begin(self, plan: Plan, message: str = "", moves: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Note the paths that will be touched, what will stand in them, and what `git commit` says and will say.

        `moves` are the branches that will move as well: their names -> the commits before, "" for none, and afterwards.
        """
        noted = {
            "head": plan.head,
            "branch": plan.branch,
            "touched": [each.path for each in plan.touched],
            "written": {each.path: objects.blob_id(each.blob.content, plan.head) for each in plan.touched if each.blob},
            "message": [self._said(), message],
            "branches": dict(moves or {}),
        }
        held = [plan.committed[each.path].content for each in plan.touched if each.path in plan.committed]
        size = 2 * git.at(self.root).git_path("index").stat().st_size + sum(map(len, held)) + 8192 * (1 + len(held))
        self._writing.parent.mkdir(exist_ok=True)
        partial = self._writing.with_suffix(".partial")
        try:
            self._reserve.write_bytes(os.urandom(size))  # What a file system could compress would reserve nothing.
            with partial.open("w", encoding="utf-8") as file:
                file.write(json.dumps(noted))
                file.flush()
                os.fsync(file.fileno())  # Before any file changes, should the machine go down.
            partial.replace(self._writing)
        except BaseException:
            partial.unlink(missing_ok=True)
            self._reserve.unlink(missing_ok=True)
            raise

    @property
    def is_open(self) -> bool:
        """Whether a change is being written, or a command was killed before it was done with one."""
        return self._writing.is_file()

    def end(self, *, abortable: bool = False) -> None:
        """Note that the change is done; keep what `abort` needs, or forget it."""
        if abortable:
            self._writing.replace(self._last)
        else:
            self._writing.unlink(missing_ok=True)
            self._last.unlink(missing_ok=True)
            self._reserve.unlink(missing_ok=True)

    def undo(self) -> bool:
        """Take back what a command wrote before it was killed; return whether there was anything.

        What was committed since stays, and so do edits of it; where that is the change itself, on all branches, there
        is nothing to take back. No step needs space on the disk, or harms when it is done again after
        another kill.
        """
        if self.is_open:
            return self._take_back(self._writing)
        if not self._last.is_file():  # What a kill has left before there was anything to take back.
            for file in (self._reserve, self._writing.with_suffix(".partial")):
                file.unlink(missing_ok=True)
        return False

    def abort(self) -> bool:
        """Take back the last merge, if it is not committed; return whether there was one."""
        return self.is_abortable() and self._take_back(self._last)

    def _take_back(self, file: Path) -> bool:
        self._reserve.unlink(missing_ok=True)
        noted = _read(file)
        git.forget()
        head, before, touched = objects.head(self.root), noted["head"], noted["touched"]
        refs, moves = git.at(self.root).refs, noted.get("branches", {})
        tip = refs.get(f"refs/heads/{noted.get('branch', '')}", head)
        is_clean = head == tip == before
        paths = touched if is_clean else self._uncommitted(noted, head)
        is_done = (
            tip != before
            and not paths
            and all(refs.get(f"refs/heads/{name}", "") != old for name, (old, _) in moves.items())
            # A hook may have formatted what was committed.
            and (
                not touched or objects.entries(self.root, before, *touched) != objects.entries(self.root, tip, *touched)
            )
        )
        found = not is_done and self._put_back(moves)
        if is_clean or paths:
            self._put_aside(noted, paths, file)
            _restore(self.root, head, paths)
            found = True
        self.is_partial = tip != before or bool(self.kept)
        before, written = noted.get("message", (None, ""))
        if written and self._said() == written:
            self._message.unlink()
            if before is not None:
                self._message.write_bytes(before.encode(errors="surrogateescape"))
        file.unlink()
        return found

    def _uncommitted(self, noted: Mapping[str, Any], head: str) -> list[str]:
        """Return the paths that stand as written, on the disk or in the index, and are not committed so."""
        touched, written = noted["touched"], noted.get("written", {})
        committed = {path: entry.blob for path, entry in objects.entries(self.root, head, *touched).items()}
        disk = dict.fromkeys((path for path in touched if os.path.lexists(self.root / path)), "")
        disk |= self._hashed(touched)
        index = {each.path: each.entry.blob for each in git.at(self.root).index}
        return [
            path
            for path in touched
            if (new := written.get(path)) != committed.get(path) and new in {disk.get(path), index.get(path)}
        ]

    def _put_back(self, moves: Mapping[str, tuple[str, str]]) -> bool:
        """Move branches back to where they were; return whether any had moved, be it that it has to stay."""
        moved, kept, refs = False, [], dict(git.at(self.root).refs)
        for name, (old, new) in moves.items():
            now = refs.get(f"refs/heads/{name}", "")
            if now == new:
                moved = True
                try:
                    branches.put(self.root, name, old, new)
                except UsageError:
                    kept.append((name, old, "is checked out"))
            elif (
                now not in {"", old} and git.run(self.root, "merge-base", new, now, accepted=(0, 1, 128)).strip() == new
            ):
                kept.append((name, old, "has later commits"))
        self.kept = [
            f"{name} {why}, and keeps what the command committed there: git log {f'{old[:12]}..' if old else ''}{name}."
            for name, old, why in kept
        ]
        return moved or bool(kept)

    @property
    def told(self) -> str:
        """What `undo` has come to, in sentences."""
        whole = "Commits made since stay." if self.is_partial else "The repository is as it was before that command."
        return f"{whole} {self.told_left}".rstrip()

    @property
    def told_left(self) -> str:
        """Which branches stay, and where the files are that were put aside, in sentences; "" where there are none."""
        places = " and ".join(map(str, self.aside))
        aside = f"Files that are not what it wrote, such as your edits since, are in {places}." if places else ""
        return " ".join((*self.kept, aside)).rstrip()

    def _said(self) -> str | None:
        """Return what `git commit` says by itself; None where nobody has told it."""
        return self._message.read_bytes().decode(errors="surrogateescape") if self._message.is_file() else None

    def _hashed(self, paths: Sequence[str]) -> dict[str, str]:
        """Return the ids of what stands in those of the paths that are plain files."""
        plain = [path for path in paths if "\n" not in path and _is_plain(self.root / path)]
        asked = "".join(f"{path}\n" for path in plain).encode(errors="surrogateescape")
        found = git.run(self.root, "hash-object", "--stdin-paths", stdin=asked).split() if plain else []
        return dict(zip(plain, found, strict=True))

    def _put_aside(self, noted: Mapping[str, Any], paths: Sequence[str], file: Path) -> None:
        """Move what is neither committed nor as written into a new folder, which takes no space on the disk."""
        there = [path for path in paths if os.path.lexists(self.root / path)]
        there = [path for path in there if not (self.root / path).is_dir() or (self.root / path).is_symlink()]
        known = [
            noted.get("written", {}),
            *(
                {path: each.blob for path, each in objects.entries(self.root, commit).items()}
                for commit in {noted["head"], "HEAD"}
            ),
        ]
        same = {path for path, blob in self._hashed(there).items() if any(each.get(path) == blob for each in known)}
        # A kill while they are moved leaves some in a folder of an earlier time, which is named as well.
        begun = file.stat().st_mtime_ns // 1_000_000
        folders = (file.with_name(f"taken-back-{begun}-{number}") for number in itertools.count(1))
        folder = next(each for each in folders if not each.exists())
        for path in there:
            if path not in same:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(self.root / path, folder / path)
        self.aside = sorted(file.parent.glob(f"taken-back-{begun}-*"))

    def is_abortable(self) -> bool:
        """Return whether the last merge can be taken back: it is neither committed nor gone from the index."""
        if not self._last.is_file():
            return False
        noted = _read(self._last)
        staged = git.run(self.root, "diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD").split("\0")
        if noted["head"] == objects.head(self.root) and not set(noted["touched"]).isdisjoint(staged):
            return True
        self._last.unlink()
        self._reserve.unlink(missing_ok=True)
        return False


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArgosyError(
            f"{file} is damaged, by which argosy would undo what the last command wrote.",
            "git status shows that: keep or restore it yourself, then remove this file.",
        ) from error


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


@contextmanager
def written(plan: Plan, message: str = "", moves: Mapping[str, tuple[str, str]] | None = None) -> Iterator[Journal]:
    """Put a merge in place, in the work tree and the index, until what has to follow is done, such as a commit.

    `message` is what `git commit` is to say by itself, and `moves` are the branches that are to move meanwhile.
    Whatever fails then takes everything back, unless the journal was ended; after a kill, the next command does. A
    merge with conflicts can be taken back by `abort` afterwards.
    """
    _refuse_meanwhile(plan)
    status = git.at(plan.root).status
    journal = Journal(plan.root)
    places = {change.path: change.blob for change in plan.touched}
    sides = [side for change in plan.touched for side in change.sides.values()]
    objects.store(plan.root, (blob.content for blob in (*places.values(), *sides) if blob))
    journal.begin(plan, message, moves)
    try:
        for path in [path for path, blob in places.items() if blob is None]:
            (plan.root / path).unlink(missing_ok=True)
            _prune(plan.root, path)
        _stage(plan.root, "".join(_line(path, blob, plan.head) for path, blob in places.items()))
        # Git writes them, line endings and filters and all.
        _check_out(plan.root, [path for path, blob in places.items() if blob])
        if sides:
            _stage(plan.root, "".join(_lines_of_conflicts(plan)))
        git.at(plan.root).know({**status, **{each.path: _letters(each, plan) for each in plan.touched}})
        if message:
            git.at(plan.root).git_path("MERGE_MSG").write_bytes(message.encode())
        yield journal
    except BaseException as error:
        if journal.is_open:
            take_back(journal.undo)
        if isinstance(error, ArgosyError):
            error.hint = f"{error.hint} {journal.told_left}".strip()
        raise
    if journal.is_open:
        journal.end(abortable=bool(plan.conflicts))


def _refuse_meanwhile(plan: Plan) -> None:
    """Raise ArgosyError where somebody has changed what a plan was made from: renders take time, and questions wait."""
    git.at(plan.root).forget_status()
    objects.refuse_another(plan.root, plan.head, plan.branch)
    refuse_obstacles(plan)


def write(plan: Plan) -> None:
    """Put a merge in place, in the work tree and the index; on failure, take everything back."""
    with written(plan):
        pass


def take_back(step: Callable[[], object]) -> None:
    """Run the step that takes a change back; raise ArgosyError with what to do where even that fails."""
    try:
        step()
    except (ArgosyError, OSError) as error:
        raise ArgosyError(
            f"The change failed and could not be undone: {error}",
            "Fix the cause, such as a full disk, then run `argosy abort` to undo it.",
        ) from error


def _restore(root: Path, head: str, touched: Sequence[str]) -> None:
    """Bring paths back to what is committed, in the index and the work tree."""
    entries = objects.entries(root, head)
    for path in touched:
        if path not in entries and (_is_plain(root / path) or (root / path).is_symlink()):
            (root / path).unlink()
            _prune(root, path)
    old = {path: entries[path] for path in touched if path in entries}
    gone = [_line(path, None, head) for path in touched]
    _stage(root, "".join((*gone, *(f"{entry.mode} {entry.blob} 0\t{path}\0" for path, entry in old.items()))))
    git.run(root, "update-index", "-q", "--refresh", accepted=(0, 1))  # What was not touched need not be written.
    _check_out(root, old)


def _stage(root: Path, lines: str) -> None:
    git.run(root, "update-index", "-z", "--index-info", stdin=lines.encode(errors="surrogateescape"))
    git.forget(files=True)


def _check_out(root: Path, paths: Collection[str]) -> None:
    if paths:
        git.run(root, "checkout-index", "--force", "--index", "--quiet", "-z", "--stdin", stdin=objects.joined(paths))


def _line(path: str, blob: Blob | None, like: str, stage: int = 0) -> str:
    """Return what update-index reads of a file, with an id like that one."""
    return (
        f"{blob.mode} {objects.blob_id(blob.content, like)} {stage}\t{path}\0"
        if blob
        else f"0 {'0' * len(like)}\t{path}\0"
    )


def _letters(change: Change, plan: Plan) -> str:
    """Return what `git status` says of a file that is written."""
    if change.sides:
        return "UU"
    return "D " if change.blob is None else "A " if change.path in plan.new else "M "


def _lines_of_conflicts(plan: Plan) -> Iterator[str]:
    for change in plan.touched:
        if change.sides:
            yield _line(change.path, None, plan.head)
        for stage, side in change.sides.items():
            yield _line(change.path, side, plan.head, stage)


def _prune(root: Path, path: str) -> None:
    """Remove the folders that a removed file leaves empty, as Git does."""
    for folder in (root / path).parents:
        if folder == root or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
