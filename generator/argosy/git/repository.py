"""A repository as Git describes it: each question is asked once, and again after argosy has changed the answer."""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import NamedTuple

from argosy import programs
from argosy.errors import ToolError
from argosy.git.command import ARGOSY, CLONES, LARGEST, configured, filters_left_out, hint_of, inherited, run, started


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree or of the index: its mode and its blob's id."""

    mode: str
    blob: str


class Staged(NamedTuple):
    """What the index holds of a file."""

    path: str
    entry: Entry
    stage: int
    """Which side of a conflict it is; 0 for none."""
    flag: str
    """`S`: a sparse checkout or `skip-worktree` leaves the file out. A small letter: it is assumed to be unchanged."""


class Repository:
    """What Git says of the repository around a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = Objects(folder)

    @cached_property
    def _described(self) -> Sequence[str]:
        """The work tree's root, Git's folder, the one of all work trees, shallow or not, commit, and branch.

        Without a commit the last two are missing, and all of them outside a work tree.
        """
        if not is_around(self.folder):
            return ()
        asked = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir", "--is-shallow-repository")
        told = run(self.folder, "rev-parse", *asked, "HEAD^{commit}", "--symbolic-full-name", "HEAD", accepted=(0, 128))
        lines = told.split("\n")[:-1]
        if not lines:  # Then this says why not, such as another owner.
            run(self.folder, "rev-parse", "--git-dir")
        own = Path(lines[0]) / ".git" if lines else Path()
        if lines and not (own.is_file() or own.resolve() == Path(lines[1]).resolve()):
            raise ToolError(
                f"Git's configuration of {self.folder} has its files elsewhere, in {lines[0]}.",
                "Take that out: git config --unset core.worktree.",
            )
        return lines if len(lines) == 6 else lines[:4]

    @property
    def top_level(self) -> Path | None:
        """The root of the work tree."""
        return Path(self._described[0]) if self._described else None

    def git_path(self, name: str, *, shared: bool = False) -> Path:
        """Return a file of Git's own: of this work tree, or one that all work trees share."""
        if not self._described:
            raise ToolError(f"{self.folder} is not in a Git work tree.", "Run git init, or go to a repository.")
        return self.folder / self._described[2 if shared else 1] / name

    @property
    def is_shallow(self) -> bool:
        """Whether the history is cut off."""
        return bool(self._described) and self._described[3] == "true"

    @property
    def head(self) -> str:
        """The id of the commit that is checked out; "" if there is none."""
        return self._described[4] if len(self._described) == 6 else ""

    @cached_property
    def branch(self) -> str:
        """The branch that is checked out, which may have no commit yet; "" if none is."""
        if self.head:
            return self._described[5].removeprefix("refs/heads/") if self._described[5] != "HEAD" else ""
        if not is_around(self.folder):
            return ""
        try:
            return run(self.folder, "symbolic-ref", "--quiet", "--short", "HEAD").removesuffix("\n")
        except ToolError:
            return ""

    @cached_property
    def configuration(self) -> Mapping[str, Sequence[str]]:
        """Git's configuration, the user's included: the values of each key, in the order in which they count."""
        found = defaultdict(list)
        for each in configured(self.folder):
            found[each.key].append(each.value)
        return found

    def setting(self, key: str) -> str:
        """Return the value of a key that counts, or ""."""
        return self.configuration.get(key, ("",))[-1]

    def users_setting(self, key: str) -> str:
        """Return the same of what the user configured, not the clone."""
        found = [each.value for each in configured(self.folder) if each.key == key and each.scope not in CLONES]
        return found[-1] if found else ""

    @property
    def remote_names(self) -> Sequence[str]:
        """The names of the remotes."""
        keys = (key.rpartition(".") for key in self.configuration if key.startswith("remote."))
        return sorted({name.removeprefix("remote.") for name, _, key in keys if key in {"url", "pushurl"}})

    @property
    def remotes(self) -> Mapping[str, str]:
        """The URLs that are fetched from, each with its remote's name."""
        if not is_around(self.folder):
            return {}
        named = {key: each for key, each in self.configuration.items() if key[:7] == "remote." and key[-4:] == ".url"}
        return {url: key[7:-4] for key, values in named.items() for url in values if url}

    @cached_property
    def refs(self) -> Mapping[str, str]:
        """The id of the object that each ref names, by the ref's full name."""
        if not is_around(self.folder):
            return {}
        listed = run(self.folder, "for-each-ref", "--format=%(objectname) %(refname)").split("\n")[:-1]
        return {ref: name for name, _, ref in (line.partition(" ") for line in listed)}

    @cached_property
    def index(self) -> Sequence[Staged]:
        """What the index holds."""
        found = []
        for line in filter(None, run(self.folder, "ls-files", "-v", "--stage", "-z").split("\0")):
            head, _, path = line.partition("\t")
            flag, mode, blob, stage = head.split(" ")
            found.append(Staged(path, Entry(mode, blob), int(stage), flag))
        return found

    @cached_property
    def status(self) -> Mapping[str, str]:
        """What differs from what is committed at and below the folder: path -> the two letters of `git status`.

        `??` is untracked and `!!` ignored: either may be a folder, with a `/` at its end.
        """
        return self._reported[2]

    @property
    def present(self) -> tuple[str, str]:
        """The commit and the branch that were checked out when the status was asked for; "" for none."""
        return self._reported[:2]

    def is_checked_out(self, branch: object) -> bool:
        """Return whether a branch is known to be checked out and to have a commit, of a status that was asked for."""
        head, here = self.__dict__.get("_reported", ("", ""))[:2]
        return bool(head) and here == branch

    @cached_property
    def _reported(self) -> tuple[str, str, Mapping[str, str]]:
        if not is_around(self.folder):
            return "", "", {}
        if (self.folder / ".git").exists() or self.top_level is None:
            prefix = ""
        else:
            prefix = f"{self.folder.resolve().relative_to(self.top_level.resolve()).as_posix()}/"
        asked = ("--porcelain=v2", "--branch", "--no-ahead-behind", "-z", "--no-renames", "--untracked-files=all")
        more = ("--ignored=matching", "--ignore-submodules=dirty", "--", ".")
        listed = run(self.folder, "--no-optional-locks", "status", *asked, *more)
        told, found = {}, {}
        for line in filter(None, listed.split("\0")):
            kind, _, rest = line.partition(" ")
            if kind == "#":
                key, _, told[key] = rest.partition(" ")
            elif kind in "?!":
                found[rest.removeprefix(prefix)] = 2 * kind
            else:
                # Seven fields come before the path of a file, and nine before that of one with a conflict.
                letters, *_, path = rest.split(" ", 7 if kind == "1" else 9)
                found[path.removeprefix(prefix)] = letters.replace(".", " ")
        head, branch = told["branch.oid"], told["branch.head"]
        return "" if head == "(initial)" else head, "" if branch == "(detached)" else branch, found

    def filters_missed(self) -> Mapping[str, str]:
        """Return why files look edited that may not be: the names of filters that were not run, each with such a file.

        Only those are looked at whose status was asked for.
        """
        edited = [path for path, letters in self.__dict__.get("status", {}).items() if letters[1] == "M"]
        left_out = filters_left_out(self.folder) if edited else frozenset()
        if not left_out:
            return {}
        asked = "\0".join(edited).encode(errors="surrogateescape")
        told = run(self.folder, "check-attr", "-z", "--stdin", "filter", stdin=asked).split("\0")
        return {name: path for path, name in zip(told[::3], told[2::3], strict=False) if name in left_out}

    def forget(self, *, files: bool = False) -> None:
        """Ask again: all but what the objects hold, which never changes; with `files`, what can change with files."""
        self.forget_status()
        for name in ("index", *(() if files else ("_described", "branch", "configuration", "refs"))):
            self.__dict__.pop(name, None)

    def forget_status(self) -> None:
        """Ask for the status again, which others may have changed."""
        for name in ("status", "_reported", "_stamps"):
            self.__dict__.pop(name, None)

    def know(self, status: Mapping[str, str]) -> None:
        """Take what `status` would say, from argosy, which has just changed that itself."""
        self.__dict__.update(status=status, _stamps=self._stamped())

    def is_current(self) -> bool:
        """Return whether nobody has staged anything or switched to another branch since argosy knew the status."""
        return "_stamps" in self.__dict__ and self.__dict__["_stamps"] == self._stamped()

    def _stamped(self) -> Sequence[tuple[int, int, int]]:
        """Return what changes with the index and with what is checked out: Git puts a new file in place of either."""
        files = (self.git_path(name) for name in ("index", "HEAD"))
        found = [each.stat() for each in files if each.exists()]
        return [(each.st_ino, each.st_mtime_ns, each.st_size) for each in found]

    # Whom to commit as

    def identity(self) -> Mapping[str, str]:
        """Return the environment that lets git commit as argosy where the user told git nobody to commit as."""
        return {} if self.has_identity() else {key: ARGOSY[key] for key in ARGOSY.keys() - os.environ.keys()}

    def has_identity(self) -> bool:
        """Return whether the user told git whom to commit as, so that git need not guess from the machine's name."""
        return all(
            os.environ.get(f"GIT_{role}_{what}".upper())
            or self.setting(f"{role}.{what}")
            or self.setting(f"user.{what}")
            or (what == "email" and os.environ.get("EMAIL"))
            for role in ("author", "committer")
            for what in ("name", "email")
        )


def is_around(folder: Path) -> bool:
    """Return whether a folder may lie in a work tree: one of those above it, or itself, has a `.git`."""
    above = programs.upwards(os.path.realpath(folder))
    return any(os.path.exists(os.path.join(each, ".git")) for each in above)  # noqa: PTH110, PTH118


class Object(NamedTuple):
    """An object by its content; a tree's is as Git stores it."""

    name: str
    kind: str
    size: int
    """How many bytes it has."""
    content: bytes | None = None
    """None where it was not asked for, or has too many bytes."""


def is_search(name: str) -> bool:
    """Return whether Git looks for a name in the messages of all commits, by an expression that may take for ever."""
    return name.startswith(":/") or "^{/" in name


_FOUND = re.compile(rb"([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)\n")


class Objects:
    """Git's objects, read through one process for as long as a command runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listed: dict[str, Mapping[str, Entry]] = {}
        """All files of a tree, by the name that it was asked for by, which is an id."""
        self.trees: dict[str, Sequence[tuple[str, Entry]]] = {}
        """What a tree itself holds, by its id."""
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    @property
    def stays(self) -> bool:
        """Whether the process goes on once it has answered."""
        return _repositories is not None

    def read(self, names: Iterable[str], largest: int | None = None) -> Sequence[Object | None]:
        """Return the object that each name stands for, None where there is none.

        What has more bytes than the `largest`, or than `LARGEST`, comes without its content.
        """
        return self._ask(names, LARGEST if largest is None else largest)

    def find(self, names: Iterable[str]) -> Sequence[Object | None]:
        """Return the same without its content."""
        return self._ask(names, None)

    def _ask(self, names: Iterable[str], largest: int | None) -> Sequence[Object | None]:
        with self._lock:
            found: list[Object | None] = []
            waiting: list[str] = []
            length = 0
            for name in names:
                waiting.append(name)
                length += len(name)
                # No more is asked at a time than fits into a pipe: Git may be waiting for its answers to be read.
                if length > 2048:
                    found += self._answers(waiting, largest)
                    waiting, length = [], 0
            if waiting:
                found += self._answers(waiting, largest)
            if not self.stays:
                self.close()
            return found

    def _answers(self, names: Sequence[str], largest: int | None) -> Sequence[Object | None]:
        # No object has a name of several lines.
        asked = [name for name in names if "\n" not in name and not is_search(name)]
        told = {name: each for name, each in zip(asked, self._told("info", asked), strict=True) if each}
        if largest is not None:
            # Git prints all of an object that it is asked for, so sizes come first.
            small = list(dict.fromkeys(each.name for each in told.values() if each.size <= largest))
            read = {each.name: each for each in self._told("contents", small) if each}
            told = {name: read.get(each.name, each) for name, each in told.items()}
        return [told.get(name) for name in names]

    def _told(self, command: str, names: Sequence[str]) -> Iterator[Object | None]:
        """Yield what one command of git's tells of each name."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # What it printed before it ended says why.
            process.stdin.write("".join(f"{command} {name}\n" for name in names).encode(errors="surrogateescape"))
            process.stdin.flush()
        for _ in names:
            line = process.stdout.readline()
            if not line.endswith(b"\n"):
                cause = process.communicate()[1].decode(errors="replace").strip() or f"exit code {process.returncode}"
                raise ToolError(f"`git cat-file` failed in {self.folder}: {cause}", hint_of(cause))
            match = _FOUND.fullmatch(line)
            if not match:
                yield None
                continue
            name, kind, size = match[1].decode(), match[2].decode(), int(match[3])
            content = None
            if command == "contents":
                content = process.stdout.read(size)
                process.stdout.read(1)
            yield Object(name, kind, size, content)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            pipe = subprocess.PIPE
            self._process = started(
                *("cat-file", "--batch-command"),
                cwd=self.folder,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env=inherited(self.folder),
                # Ctrl-C is for argosy, which still reads when it takes back what it has written.
                process_group=0 if os.name == "posix" else None,
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


_repositories: dict[Path, Repository] | None = None


@contextmanager
def asked_once() -> Iterator[None]:
    """Ask Git each question once while this lasts, which is as long as a command runs, or what it is a part of."""
    global _repositories  # noqa: PLW0603 - as with a lock, it holds for all that the process does
    if _repositories is not None:
        yield
        return
    _repositories = {}
    try:
        yield
    finally:
        known, _repositories = _repositories, None
        for each in known.values():
            each.objects.close()


@contextmanager
def asked_anew() -> Iterator[None]:
    """Remember nothing while this lasts, but for what asks once in it: a program that goes on sees each change."""
    global _repositories  # noqa: PLW0603
    before, _repositories = _repositories, None
    try:
        yield
    finally:
        _repositories = before


def at(folder: Path) -> Repository:
    """Return the repository around a folder, with what is known of it already."""
    if _repositories is None:
        return Repository(folder)
    return _repositories.setdefault(folder, Repository(folder))


def filters_missed() -> Mapping[str, str]:
    """Return the filters that were not run, each with a file that looks edited without, of all that was asked about."""
    known = tuple((_repositories or {}).values())
    return {name: path for each in known for name, path in each.filters_missed().items()}


def forget(*, files: bool = False) -> None:
    """Ask again what argosy has changed: of files alone, or of branches and commits too."""
    if _repositories is not None:
        for each in _repositories.values():
            each.forget(files=files)


# What argosy asks


def top_level(folder: Path) -> Path | None:
    """Return the root of the work tree that a folder lies in, or None."""
    try:
        return at(folder).top_level
    except ToolError:
        return None


def branch(folder: Path) -> str:
    """Return the branch that the repository around a folder is on, which may have no commit yet; "" if on none."""
    try:
        return at(folder).branch
    except ToolError:
        return ""


def origin(folder: Path) -> str:
    """Return the URL that the repository around a folder was cloned from, or ""."""
    try:
        return at(folder).setting("remote.origin.url")
    except ToolError:
        return ""


def remotes(folder: Path) -> Mapping[str, str]:
    """Return the URLs that the repository around a folder fetches from, each with its remote's name, or nothing."""
    try:
        return at(folder).remotes
    except ToolError:
        return {}


@dataclass(frozen=True, eq=False)
class Revisions(Set[str]):
    """The branches, also those of remotes, and the tags of the repository around a folder, or nothing.

    Git is asked for them where the branch that is known to be checked out is not the answer. Hosts fetch what they test
    to places of their own, such as refs/remotes/pull/7/merge: those are no branches.
    """

    folder: Path
    remotes: Collection[str] = ("origin",)

    def __contains__(self, name: object) -> bool:
        """Return whether there is a branch or tag of that name."""
        return at(self.folder).is_checked_out(name) or name in self._all

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._all)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    @cached_property
    def _all(self) -> frozenset[str]:
        places = ("refs/heads/", "refs/tags/", *(f"refs/remotes/{name}/" for name in sorted(self.remotes)))
        try:
            refs = at(self.folder).refs
        except ToolError:
            return frozenset()
        found = frozenset(ref.removeprefix(place) for ref in refs for place in places if ref.startswith(place))
        return found - {"HEAD"}


def has_every_branch(folder: Path) -> bool:
    """Return whether a clone has all branches of one of its remotes, so that another is nowhere; also without remotes.

    A shallow clone, one of a single branch and what a CI job fetched by name has them not. The last is not always
    shallow: where the history is as short as what is fetched, only FETCH_HEAD tells it from a whole clone.
    """
    known = at(folder)
    fetched = [value for key, values in known.configuration.items() if _FETCH.fullmatch(key) for value in values]
    if not fetched:
        return not known.remotes
    wide = [
        each.partition(":")[2].removesuffix("*") for each in fetched if each.startswith("+refs/heads/*:refs/remotes/")
    ]
    if known.is_shallow or not wide:
        return False
    last = known.git_path("FETCH_HEAD")
    lines = last.read_text(errors="replace").split("\n")[:-1] if last.is_file() else []
    if not all(_OF_A_BRANCH.search(line) for line in lines):
        return False
    return any(ref.startswith(tuple(wide)) for ref in known.refs)


_FETCH = re.compile(r"remote\..+\.fetch")
_OF_A_BRANCH = re.compile(r"\t(branch|tag) '")
"""In a line of FETCH_HEAD: what was fetched is a branch or a tag, rather than a commit or a ref that was named."""


def ignored(folder: Path) -> frozenset[str]:
    """Return the paths below a folder that git ignores, folders with a `/` at the end; nothing outside a work tree."""
    try:
        return frozenset(path for path, letters in at(folder).status.items() if letters == "!!")
    except ToolError:
        return frozenset()


def keeps(root: Path, folder: Path) -> bool:
    """Return whether a folder below a root holds a file that Git does not ignore: nobody else ever sees the others."""
    unseen = ignored(root)
    return any(
        not ({found, *(f"{parent.as_posix()}/" for parent in PurePosixPath(found).parents)} & unseen)
        for found in (path.relative_to(root).as_posix() for path in _files(folder))
    )


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is below a folder and is no folder itself; links are not followed."""
    for each in [*os.scandir(folder)]:
        if each.is_dir(follow_symlinks=False):
            yield from _files(Path(each.path))
        else:
            yield Path(each.path)
