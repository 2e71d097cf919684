"""Stop a command at each of its steps in turn, and see that nothing is lost by it.

A step is whatever changes the repository: a file that is opened to be written, moved, made or removed, and a git that
writes. They are the same each time, so that a fault is found again, which random moments do not give. All of it runs in
a process of its own, forked for each step, since a start of Python costs more than most commands.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.changing import State, files, git
from tests.forked import Forked
from tests.shared import IDENTITY

FULL = "full"
"""No signal: from the step on, the disk is full."""
ENDS: Mapping[str, set[int]] = {"SIGKILL": {-9}, "SIGTERM": {143}, "SIGINT": {130}, "SIGHUP": {129}, FULL: {1}}
"""The ways to stop a command, and how it ends then."""
_READING = {"rev-parse", "ls-files", "config", "ls-tree", "cat-file", "status", "for-each-ref", "merge-tree", "log"}
_READING |= {"rev-list", "diff", "diff-tree", "diff-index", "show", "check-ignore", "hash-object", "check-ref-format"}
_CHANGING = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.truncate", "os.link", "os.chmod"}


def kill_each_step(arguments: Sequence[str], how: str, root: Path, *, most: int | None = None) -> list[str]:
    """Stop a command at each step, or at most so many of them, and return what is wrong afterwards, one text for each.

    `how` is one of `ENDS`. The repository at `root` is copied for each step; with `init`, it is the folder beside which
    one is made. Right is: the tree as before, or fully after, or the next command says how to get there, which works.
    """
    with tempfile.TemporaryDirectory(prefix="killing-") as folder:
        task = {
            "arguments": [*arguments],
            "how": how,
            "root": str(root),
            "folder": folder,
            "most": most,
        }
        code = "from tests import killing; killing.main()"
        out, err = Forked([json.dumps(task)], code=code, cwd=Path(__file__).parents[1]).communicate()
        assert out, err
        found: list[str] = json.loads(out.splitlines()[-1])
        return found


def main() -> None:
    """Do what a task in JSON says, and print what was found."""
    task = json.loads(sys.argv[1])
    folder = Path(task["folder"])
    _prepare(folder)
    trial = _Trial(task["arguments"], task["how"], Path(task["root"]), folder)
    print(json.dumps([*trial.faults(task["most"])]))


def _prepare(folder: Path) -> None:
    """Have an environment in which a command does the same each time, and all of argosy loaded."""
    (folder / "tmp").mkdir()
    (folder / "gitconfig").write_text(IDENTITY)
    os.environ |= {
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "TMPDIR": str(folder / "tmp"),
        "ARGOSY_CACHE": os.environ.get("ARGOSY_CACHE") or str(folder / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",  # On a full disk, Python leaves a part of it, which it cannot read afterwards.
        "GIT_AUTHOR_DATE": "2030-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2030-01-01T00:00:00Z",
    }
    sys.dont_write_bytecode = True
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("cli.promoting", "cli.validation", "cli.abort", "cli.init", "cli.add", "cli.set"):
        __import__(f"argosy.{name}")
    for name in ("change.requests", "delivery.changes", "delivery.promotions"):
        __import__(f"argosy.{name}")


class _Trial:
    """A command that is stopped at one step after another."""

    def __init__(self, arguments: Sequence[str], how: str, template: Path, folder: Path) -> None:
        self.arguments, self.how, self.template, self.folder = arguments, how, template, folder
        self.said = ""

    def faults(self, most: int | None) -> Iterator[str]:
        """Yield what is wrong after each step."""
        root = self._copy()
        before = _state(root)
        code, _ = self._run(root, self.arguments, at=0)
        after, steps = _state(root), int((self.folder / "steps").read_text())
        if before == after or code not in {0, 3}:
            yield f"without being stopped, it changes nothing: {code} {self.said[-600:]}"
            return
        for step in range(1, steps + 1, 1 if most is None else -(-steps // most)):
            root = self._copy()
            ended, what = self._run(root, self.arguments, at=step)
            told = f"step {step} of {steps} ({what})"
            if ended not in {code, *ENDS[self.how]}:
                yield f"{told}: exit code {ended}: {self.said[-600:]}"
            for fault in self._after(root, before, after, code):
                yield f"{told}: {fault}"

    def _after(self, root: Path, before: State, after: State, code: int) -> Iterator[str]:
        """Yield what is wrong in a repository once a command was stopped, having done what argosy says."""
        if self.how != "SIGKILL" and (left := [path.name for path in (self.folder / "tmp").iterdir()]):
            yield f"left {left} among temporary files"
        yield from self._cleared(root)
        now = _state(root)
        # A command that makes two commits goes on where it stopped.
        is_between = now[1] == before[1] and now[2] != before[2]
        if now not in (before, after) and not is_between:
            yield f"is neither as before nor whole: {_difference(before, now)} / {_difference(after, now)}"
        elif now != after:
            again, _ = self._run(root, self.arguments, at=0)
            if again != code or _state(root) != after:
                yield f"cannot be done again: {again} {self.said[-600:]} {_difference(after, _state(root))}"
        # A file that git could write by half only looks like an edit of somebody's.
        known = ("lock", *(("taken-back",) if self.how == FULL else ()))
        for place in root.rglob(".git"):
            expected = (*known, "last.json", "reserve") if (place / "argosy/last.json").exists() else known
            stray = [each.name for each in (place / "argosy").glob("*") if not each.name.startswith(expected)]
            if stray:
                yield f"left {stray} among git's files"
            fsck = ["git", "fsck", "--no-dangling"]
            checked = subprocess.run(fsck, cwd=place.parent, capture_output=True, check=False)
            if checked.returncode:
                yield f"git fsck: {checked.stderr.decode()}"

    def _cleared(self, root: Path) -> Iterator[str]:
        """Do what argosy says where a command was stopped, and yield what it does not say."""
        for lock in [path for path in root.rglob(".git/**/*.lock") if path.name != "lock"]:
            if self.how in {"SIGTERM", "SIGINT", "SIGHUP"}:
                yield f"left {lock.name}"
            self._run(root, ("abort",), at=0)
            if lock.name == "index.lock" and f"{lock} exists" not in self.said:
                yield f"says nothing of {lock}: {self.said[-600:]}"
            lock.unlink(missing_ok=True)
        if self.arguments[0] != "init":
            undone, _ = self._run(root, ("abort",), at=0)
            if undone not in {0, 1}:
                yield f"abort ends with {undone}: {self.said[-600:]}"
            return
        for staged in sorted(path for path in root.rglob(".argosy-*") if path.is_dir()):
            self._run(root, [each for each in self.arguments if each not in {"-q", "--quiet"}], at=0)
            if str(staged) not in self.said:
                yield f"says nothing of {staged}: {self.said[-600:]}"
            way_on = re.search(r"If none is running: (.*?)(?:, and run this| makes it complete)", self.said)
            subprocess.run(way_on[1] if way_on else f"rm -r '{staged}'", shell=True, check=True)

    def _copy(self) -> Path:
        for name in ("work", "tmp"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "tmp").mkdir()
        root = self.folder / "work" / self.template.name
        shutil.copytree(self.template, root, symlinks=True)
        if (root / ".git").exists():
            refresh = ["git", "update-index", "-q", "--refresh"]
            subprocess.run(refresh, cwd=root, stdout=subprocess.DEVNULL, check=False)  # It fails where files conflict.
        return root

    def _run(self, root: Path, arguments: Sequence[str], *, at: int) -> tuple[int, str]:
        """Run argosy, stopped at a step; return its exit code and what the step was."""
        for name in ("steps", "what"):
            (self.folder / name).write_text("")
        heard, said = os.pipe()
        child = os.fork()
        if not child:
            code = 70
            try:
                code = self._become(root, arguments, at, said)
            finally:
                os._exit(code)
        os.close(said)
        with os.fdopen(heard, "rb") as stream:
            self.said = stream.read().decode(errors="replace")
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), (self.folder / "what").read_text()

    def _become(self, root: Path, arguments: Sequence[str], at: int, said: int) -> int:
        from argosy.cli import main as argosy

        os.setsid()
        os.chdir(root)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number in (1, 2):
            os.dup2(said, number)
        os.close(said)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        sys.argv = ["argosy", *arguments]
        seen = _Steps(root, at, self._stop)
        sys.addaudithook(seen)
        try:
            argosy()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        finally:
            seen.at = -1
            if self.how == FULL:
                import resource

                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            sys.stdout.flush()
            sys.stderr.flush()
            os.write(os.open(self.folder / "steps", os.O_WRONLY), b"%d" % seen.count)

    def _stop(self, what: str, *, is_first: bool) -> None:
        if is_first:
            os.write(os.open(self.folder / "what", os.O_WRONLY), what.encode(errors="replace"))
        if self.how != FULL:
            if is_first:
                os.kill(os.getpid(), signal.Signals[self.how])
            return
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # For git.
        if not what.startswith(("git", "os.remove", "os.rmdir", "os.rename")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), what)


class _Steps:
    """Counts what changes a repository, as Python's audit hooks tell, and stops at one of these."""

    def __init__(self, root: Path, at: int, stop: Callable[..., None]) -> None:
        self.root, self.at, self.stop, self.count = f"{root}{os.sep}", at, stop, 0

    def __call__(self, event: str, arguments: Sequence[Any]) -> None:
        """Hear of an event."""
        if self.at < 0 or not (what := self._what(event, arguments)):
            return
        self.count += 1
        if self.at and self.count >= self.at:
            self.stop(what, is_first=self.count == self.at)

    def _what(self, event: str, arguments: Sequence[Any]) -> str:
        """Return the step that an event is; "" for one that changes nothing."""
        if event == "subprocess.Popen":
            words = list(map(os.fsdecode, arguments[1])) if not isinstance(arguments[1], str) else [arguments[1]]
            named = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
            return f"git {named}" if words[0] == "git" and named not in _READING else ""
        writes = event == "open" and bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if not (writes or event in _CHANGING) or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return ""
        place = str(Path(os.fsdecode(arguments[0])).absolute())
        return f"{event} {place.removeprefix(self.root)}" if place.startswith(self.root) else ""


def _state(root: Path) -> State:
    """Return files, status and refs of a repository, or of all that is in a folder."""
    place = root if (root / ".git").exists() else next((each.parent for each in root.glob("*/.git")), None)
    if place is None:
        return files(root), "", ""
    status = git(place, "status", "--porcelain", "--untracked-files=all", "--ignored")
    return files(root), status, git(place, "for-each-ref") + (place / ".git/HEAD").read_text()


def _difference(one: State, other: State) -> str:
    names = sorted(name for name in {*one[0], *other[0]} if one[0].get(name) != other[0].get(name))
    return repr((names[:6], [pair for pair in zip(one[1:], other[1:], strict=True) if pair[0] != pair[1]]))[:800]


if __name__ == "__main__":
    main()
