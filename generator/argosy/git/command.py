"""Run git; nothing else in argosy does."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakSet

from argosy import programs, signals
from argosy.errors import ToolError, UsageError

_FOREIGN = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_CONFIG"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_REPLACE_REF_BASE"),
}
"""Set by git for its hooks: with them, a command in another folder would work on the hook's repository."""
_ALWAYS = (
    # A folder of a work tree that looks like a repository is none: it would bring its own configuration.
    ("safe.bareRepository", "explicit"),
    ("core.fsmonitor", "false"),
    ("log.showSignature", "false"),
    ("protocol.ext.allow", "never"),
)
"""What git is told each time, whatever its configuration says."""
_ASKING = {"ls-remote", "fetch", "clone"}
_PROGRAM = re.compile(
    r"filter\..+\.(?:clean|smudge|process)|diff\.external|diff\..+\.(?:command|textconv)|merge\..+\.driver"
    r"|core\.(?:sshcommand|askpass|editor|pager|alternaterefscommand)|pager\..+|gpg\.(?:.+\.)?program"
    r"|gpg\.ssh\.defaultkeycommand|remote\..+\.vcs"
)
"""The keys whose last value git runs as a program."""
_HELPER = re.compile(r"credential\.(?:.+\.)?helper")
"""The keys whose values git runs one after the other, since an empty one."""
_HOOK = re.compile(r"(hook\..+)\.(?:command|event)")
_FILTER = re.compile(r"(filter\..+)\.(?:clean|smudge|process|required)")
_UPLOAD_PACK = re.compile(r"remote\..+\.uploadpack")
_KNOWN = re.compile(
    r"git-lfs (?:clean|smudge|filter-process)(?: --skip)?(?: -- %f)?"
    r'|"?git-crypt"? (?:clean|smudge|diff)(?: --key-name=\w+)?'
)
"""What people have in a clone's own configuration to read its files with: programs from PATH, and nothing beside."""
_LFS = re.compile(r"\bgit[ -]lfs\b")
_OF_LFS = re.compile(r"lfs\.(?:extension\..+|customtransfer\..+|(?:.+\.)?standalonetransferagent)", re.IGNORECASE)
"""The keys whose value git-lfs runs as a program; it takes them in letters of either case."""
_ABSOLUTE = re.compile(r'^(?P<quote>"?)(?P<path>/(?:[\w.+-]+/)*(?P<name>git-lfs|git-crypt))(?P=quote)(?= )')

LARGEST = 100 * 1024 * 1024
"""How many bytes an object may have, or a list of files: a few kilobytes of a pack can stand for gigabytes."""

ARGOSY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "argosy"), ("EMAIL", "argosy@localhost"))
}
"""Whom to commit as where the user told git nobody."""


def run(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    accepted: Collection[int] = (0,),
    seconds: float | None = None,
    largest: int | None = None,
) -> str:
    """Run git in a folder and return what it prints; raise ToolError if it is missing or its exit code not accepted.

    After `seconds`, for a command that asks another machine, it is given up, and where it prints more than `largest`
    bytes, for one whose list a few objects can make endless.
    """
    pipe = subprocess.PIPE
    command = _command(arguments)
    if command[0] in _COMPARING:
        seconds = seconds or _PATIENCE_COMPARING
        largest = LARGEST if largest is None and stdin is None else largest
    shown = f"git {' '.join(command[:2])}"
    try:
        with (
            started(
                *_with_usual_programs(folder, arguments),
                cwd=folder,
                stdin=subprocess.DEVNULL if stdin is None else pipe,
                stdout=pipe,
                stderr=pipe,
                env=inherited(None if command[0] == "config" else folder, environment, is_asking=command[0] in _ASKING),
            ) as process,
            _ended_gently(process),
        ):
            if largest is None:
                out, err = process.communicate(stdin, seconds)
            else:
                assert process.stdout is not None
                assert process.stderr is not None
                # Who fills a pipe that nobody reads waits for ever.
                errors, said = process.stderr, [b""]
                listener = threading.Thread(target=lambda: said.append(errors.read()), daemon=True)
                listener.start()
                # Trees that name one another twice, again and again, are gone through without a word for years.
                patience = seconds or _PATIENCE
                late = threading.Event()

                def give_up() -> None:
                    late.set()
                    process.kill()

                watch = threading.Timer(patience, give_up)
                watch.start()
                try:
                    out = process.stdout.read(largest + 1)
                finally:
                    watch.cancel()
                if len(out) > largest:
                    process.kill()
                process.wait()
                listener.join()
                err = said[-1]
                if late.is_set():
                    raise subprocess.TimeoutExpired(command, patience)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"`{shown}` got no answer in {error.timeout:.0f} seconds.") from error
    if largest is not None and len(out) > largest:
        raise ToolError(f"`{shown}` gives more than {largest:,} bytes in {folder}.")
    if process.returncode not in accepted:
        cause = err.decode(errors="replace").strip() or f"exit code {process.returncode}"
        if len(cause) > _MOST_SAID and command[0] not in {"commit", "push"}:  # Those repeat what hooks say.
            cause = f"… {cause[-_MOST_SAID:]}"
        raise ToolError(f"`{shown}` failed in {folder}: {cause}", hint_of(cause))
    return out.decode(errors="surrogateescape")


_running: WeakSet[subprocess.Popen[bytes]] = WeakSet()
_starting = threading.Lock()
_abandoned: WeakSet[threading.Thread] = WeakSet()
"""The threads that start no git any more."""


def started(*arguments: str, env: Mapping[str, str], **options: Any) -> subprocess.Popen[bytes]:
    """Start git with the user's PATH, as `subprocess.Popen` does; raise ToolError in a thread that is to end."""
    with _starting:
        if threading.current_thread() in _abandoned:
            raise ToolError("argosy was interrupted.", "Run it again.")
        program, path = programs.with_path("git")
        if program is None:
            raise ToolError(
                "git is not installed, or not on PATH.",
                "Install git; `argosy init --no-git` and `argosy validate` work without it.",
            )
        environment = {**env, "PATH": path}
        process: subprocess.Popen[bytes] = subprocess.Popen([str(program), *arguments], env=environment, **options)
        _running.add(process)
    return process


def abandon(threads: Iterable[threading.Thread]) -> None:
    """End every git that runs, gently, and let the threads start no other."""
    with _starting:
        _abandoned.update(threads)
        for process in tuple(_running):
            process.terminate()


def _command(arguments: Sequence[str]) -> Sequence[str]:
    """Return git's subcommand and what follows, without the options before it."""
    for place, each in enumerate(arguments):
        if not each.startswith("-") and (place == 0 or arguments[place - 1] != "-c"):
            return arguments[place:]
    return arguments


def hint_of(cause: str) -> str:
    """Return what to do about what git says, where it lacks what a partial clone left out; else empty."""
    return LEFT_OUT if _LACKS.search(cause) else ""


_LACKS = re.compile("promisor remote|not a tree object|unable to read tree|bad tree object")
"""What git says where it may not fetch what it lacks: which object, or as of 2.45 that something is no tree."""
LEFT_OUT = "Fetch what this clone left out: git fetch --refetch --no-filter"
"""What to do in a partial clone: a fetch by itself leaves out the same again."""
_PATIENCE = 120.0
"""After how many seconds a list that is bounded in size is given up, where nothing else is said."""
_COMPARING, _PATIENCE_COMPARING = frozenset({"diff", "diff-tree", "log"}), 300.0
"""The commands that compare trees, which may name one another without end, and after how many seconds one is given up:
those of a long history take their time."""
_MOST_SAID = 2000
"""How many characters of what git says are repeated, from its end, where it says what went wrong."""
_ENDS_WITHIN = 5.0
"""How many seconds git has to end by itself, and to remove its locks, before it is killed."""


@contextmanager
def _ended_gently(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End git where its answer is not waited for any more, such as by a signal: killed outright, it leaves locks."""
    try:
        yield
    except BaseException:
        with signals.undisturbed():
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
        raise


class Setting(NamedTuple):
    """A value of git's configuration."""

    scope: str
    """Whose it is: `system`, `global` and `command` are the user's, those of `CLONES` the clone's."""
    key: str
    value: str


CLONES = ("local", "worktree")


_reading: dict[Path, Sequence[Setting]] | None = None
"""While argosy only reads: the configuration in each folder that git was run in."""


@contextmanager
def reading() -> Iterator[None]:
    """Run no program that a clone's own configuration names, and no hook, and open no connection unless asked to."""
    global _reading  # noqa: PLW0603 - it holds for all that the process does
    before, _reading = _reading, _reading if _reading is not None else {}
    try:
        yield
    finally:
        _reading = before


_unfiltered: dict[Path, Sequence[tuple[str, str]]] = {}
"""Work trees whose files are what their blobs hold, with what git is told there."""


@contextmanager
def unfiltered(place: Path, keys: Collection[str]) -> Iterator[None]:
    """Let git change no file by a filter, whosever it is, and run no hook in a work tree of argosy's own.

    A filter may open a connection, as git-lfs does, or look for its key in the first work tree, as git-crypt does.
    `keys` are those of git's configuration that are set there.
    """
    filters = dict.fromkeys(match[1] for each in keys if (match := _FILTER.fullmatch(each)))
    told = [(f"{name}.{key}", "") for name in filters for key in ("clean", "smudge", "process")]
    _unfiltered[place] = [
        *(*_without_hooks(keys), ("core.autocrlf", "false"), ("core.eol", "lf"), *told),
        *((f"{name}.required", "false") for name in filters),
    ]
    try:
        yield
    finally:
        del _unfiltered[place]


def configured(folder: Path) -> Sequence[Setting]:
    """Return git's configuration as it counts in a folder, the user's included, in the order in which it counts."""
    if _reading is not None and folder in _reading:
        return _reading[folder]
    found = []
    told = run(folder, "config", "--list", "--show-scope", "-z").split("\0")
    for scope, line in zip(told[::2], told[1::2], strict=False):
        key, has_value, value = line.partition("\n")
        found.append(Setting(scope, key, value if has_value else "true"))
    if _reading is not None:
        _reading[folder] = found
    return found


def inherited(
    folder: Path | None = None, more: Mapping[str, str] | None = None, *, is_asking: bool = False
) -> dict[str, str]:
    """Return the environment that git runs in: argosy's own, without what git sets for its hooks, and with more.

    While argosy only reads, none of the programs that the clone's own configuration names is run in the folder, and
    no connection is opened but by a command that is `is_asking` another machine.
    """
    own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    settings = [*_ALWAYS]
    if _reading is not None and folder is not None:
        known = configured(folder)
        settings += [*_without_hooks(each.key for each in known), *_without_programs(known)]
        own |= {"GIT_NO_LAZY_FETCH": "1", **({} if is_asking else {"GIT_ALLOW_PROTOCOL": ""})}
        own |= _proxy(known, own)
    if folder is not None:
        settings += [each for place, told in _unfiltered.items() if folder.is_relative_to(place) for each in told]
    count = own.get("GIT_CONFIG_COUNT") or "0"
    if not re.fullmatch("[0-9]{1,9}", count):
        raise UsageError(
            f"GIT_CONFIG_COUNT is “{count}”, and no number.", "Correct it in the environment, or unset it."
        )
    first = int(count)
    for number, (key, value) in enumerate(settings, first):
        own |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    # What Argo CD fetches has no replaced objects either.
    told = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    return {**own, "GIT_CONFIG_COUNT": str(first + len(settings)), **told, **(more or {})}


def _without_hooks(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield what turns hooks off: those of a folder, and those that the configuration names, as of Git 2.54."""
    yield "core.hooksPath", os.devnull
    names = dict.fromkeys(match[1] for each in keys if (match := _HOOK.fullmatch(each)))
    yield from ((f"{name}.enabled", "false") for name in names)


def _without_programs(settings: Sequence[Setting]) -> Iterator[tuple[str, str]]:
    """Yield what puts the user's programs, or none, in the place of those that a clone's own configuration names."""
    steers_lfs = any(_OF_LFS.fullmatch(each.key) for each in settings if each.scope in CLONES)
    named = [each for each in settings if _PROGRAM.fullmatch(each.key)]
    steered = {each for each in named if steers_lfs and _LFS.search(each.value)}  # The user's too.
    own = {each.key: each for each in named if each.scope in CLONES or each in steered}
    for key, last in own.items():
        if _KNOWN.fullmatch(_ABSOLUTE.sub(_by_name, last.value)) and last not in steered:
            continue
        yield key, "ssh" if key == "core.sshcommand" else ""
        users = (each for each in named if each.key == key and each.scope not in CLONES and each not in steered)
        yield from ((key, each.value) for each in users)
        if key.startswith("filter."):
            yield f"{key.rpartition('.')[0]}.required", "false"
    helpers = [each for each in settings if _HELPER.fullmatch(each.key)]
    if any(each.scope in CLONES for each in helpers):
        yield "credential.helper", ""  # It forgets those of every URL.
        yield from ((each.key, each.value) for each in helpers if each.scope not in CLONES)


def _proxy(settings: Sequence[Setting], environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment that keeps git from a proxy command of the clone's: of several, it takes the first."""
    named = [each for each in settings if each.key == "core.gitproxy"]
    if "GIT_PROXY_COMMAND" in environment or not any(each.scope in CLONES for each in named):
        return {}
    users = [each.value for each in named if each.scope not in CLONES and " for " not in each.value]
    return {"GIT_PROXY_COMMAND": users[0] if users else ""}


def _with_usual_programs(folder: Path, arguments: Sequence[str]) -> Sequence[str]:
    """Return a command that, while argosy only reads, starts what git usually starts on the other side.

    A clone may name another, which for a repository of this machine is run here; of several, git takes the first.
    """
    if _reading is None or arguments[0] not in _ASKING:  # None of these has options before it.
        return arguments
    named = any(each.scope in CLONES and _UPLOAD_PACK.fullmatch(each.key) for each in configured(folder))
    return (arguments[0], "--upload-pack=git-upload-pack", *arguments[1:]) if named else arguments


def _by_name(named: re.Match[str]) -> str:
    """Return the name of a program in place of its path, where PATH has that very one."""
    found = programs.find(named["name"])
    return named["name"] if found and os.path.realpath(found) == os.path.realpath(named["path"]) else named[0]


_CLEANING = re.compile(r"filter\.(.+)\.(?:clean|process)")


def filters_left_out(folder: Path) -> frozenset[str]:
    """Return the names of the clone's own filters that are not run in a folder while argosy only reads."""
    if _reading is None:
        return frozenset()
    runs: dict[str, bool] = {}
    for key, value in dict(_without_programs(configured(folder))).items():
        if found := _CLEANING.fullmatch(key):
            runs[found[1]] = runs.get(found[1], False) or bool(value)
    return frozenset(name for name, is_run in runs.items() if not is_run)


def available() -> None:
    """Raise ToolError unless git can be run."""
    program = programs.find("git")
    status = program and program.stat()
    _run_once(program, status and (status.st_ino, status.st_size, status.st_mtime_ns))


@cache
def _run_once(*_: object) -> None:
    """Run the git that there is, unless the same file was run before."""
    run(Path.cwd(), "--version")


def is_ignored(folder: Path, path: Path) -> bool:
    """Return whether the repository around a folder ignores a path, whether or not it is there yet."""
    return bool(run(folder, "check-ignore", "--", f"{path}/", accepted=(0, 1)))


def has_commits(folder: Path) -> bool:
    """Return whether anything is committed in the repository whose `.git` is in a folder, on whatever branch."""
    return bool(run(folder, f"--git-dir={folder / '.git'}", "rev-list", "--all", "--max-count=1").strip())


def start(folder: Path, branch: str) -> None:
    """Make a new repository in a folder, on that branch; put one that has no commit yet on it."""
    run(folder, "init", "--quiet", f"--initial-branch={branch}")
    head = folder / ".git/HEAD"
    # One that was there stays on its branch, and not every format of refs keeps the branch in that file.
    if not head.is_file() or head.read_bytes() != f"ref: refs/heads/{branch}\n".encode():
        run(folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
