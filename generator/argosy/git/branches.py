"""Branches and remotes: commits that no work tree takes part in, and what is pushed where."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from argosy import git, temporary
from argosy.errors import ArgosyError, ToolError, UsageError
from argosy.git import objects, snapshot
from argosy.git.snapshot import Snapshot, Written

_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


def commit(before: Snapshot, written: Written, message: str, *, lasts: bool = True) -> str:
    """Make a commit on top of a state, with files of their own, and return its id; no branch, no hook knows of it.

    One that does not last is never signed, and needs nobody to be known to git.
    """
    root = before.root
    wanted = git.at(root).setting("commit.gpgsign").lower()
    signed = ("-S",) if lasts and wanted in {"true", "yes", "on", "1"} else ()
    with temporary.folder("index") as folder:
        aside = {"GIT_INDEX_FILE": str(folder / "index"), **({} if lasts else git.at(root).identity())}
        git.run(root, "read-tree", before.commit, environment=aside)
        git.run(
            root, "update-index", "-z", "--index-info", stdin=_lines(root, before.commit, written), environment=aside
        )
        tree = git.run(root, "write-tree", environment=aside).strip()
        made = ("commit-tree", *signed, "-p", before.commit, "-F", "-", tree)
        return git.run(root, *made, stdin=message.encode(), environment=aside).strip()


def _lines(root: Path, commit: str, written: Written) -> bytes:
    objects.store(root, (blob.content for blob in written.values() if blob))
    lines = [
        f"{blob.mode} {objects.blob_id(blob.content, commit)}\t{path}" if blob else f"0 {'0' * len(commit)}\t{path}"
        for path, blob in written.items()
    ]
    return objects.joined([*lines, ""])


def put(root: Path, branch: str, commit: str, expected: str) -> None:
    """Let a branch point at a commit, where it pointed at another before; "" for one that is not there.

    Raise UsageError where the branch is checked out, since its work tree would not follow.
    """
    listed = git.run(root, "worktree", "list", "--porcelain", "-z").split("\0")
    if f"branch refs/heads/{branch}" in listed:
        raise UsageError(
            f"The branch {branch} is checked out, and would move away from under its work tree.",
            "Switch to another branch first, or name a new one with --branch.",
        )
    none = "0" * len(commit or expected)
    git.run(root, "update-ref", f"refs/heads/{branch}", commit or none, expected or none)
    git.forget()


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """Yield a work tree of its own in which a commit (its id) is checked out, and remove it.

    No hook and no filter runs there: its files hold what the commit's blobs do. It is what `git worktree add` makes,
    but that its index and HEAD are in the folder too: a kill leaves nothing in the user's repository.
    """
    with temporary.folder("branch") as folder:
        place = folder.resolve() / "tree"
        own = place / ".git"
        for part in ("refs", "reftable"):  # Where Git keeps a HEAD of the folder's own, in either format of refs.
            (own / part).mkdir(parents=True)
        (own / "commondir").write_bytes(os.fsencode(git.at(root).git_path("", shared=True).resolve()) + b"\n")
        (own / "HEAD").write_text(f"{commit}\n", encoding="ascii")
        with git.unfiltered(place, git.at(place).configuration):  # Only now is it known what is configured there.
            git.run(place, "reset", "--hard", "--quiet", "--no-recurse-submodules", commit)
            git.at(place).know({})  # All is as it is committed, and nothing else is there.
            try:
                yield place
            finally:
                git.at(place).objects.close()


@contextmanager
def on_disk(state: Snapshot) -> Iterator[Path]:
    """Yield a work tree that has a state committed: the one that there is, or one of its own, which is removed."""
    if state.commit == git.at(state.root).head and not state.written:
        yield state.root
        return
    before = replace(state, written={})
    made = commit(before, state.written, "A state", lasts=False) if state.written else state.commit
    with checked_out(state.root, made) as place:
        yield place


def check_name(root: Path, name: str) -> None:
    """Raise UsageError unless git takes the name for a branch, and not, as it does @{-1}, for another's."""
    taken = git.run(root, "check-ref-format", "--branch", name, accepted=(0, 1, 128)).strip()
    if taken != name or name in {"", "HEAD"}:
        raise UsageError(f"“{name}” is not a branch.", "Name it as Git does, for example promote/web-to-prod.")


# Remotes


def remote_of(root: Path) -> str:
    """Return the remote that the current branch belongs to, else origin, else the only one; raise if there is none."""
    name = remote_name(root, git.branch(root) or "HEAD")
    if name in git.at(root).remote_names:
        return name
    raise UsageError(
        "This repository has no remote to push to, or several and none called origin.",
        "Add it: git remote add origin URL.",
    )


def remote_name(root: Path, branch: str = "") -> str:
    """Return the remote that a branch belongs to, else origin, else the only one; where there is none, origin too."""
    known = git.at(root)
    listed = known.remote_names
    candidates = [known.setting(f"branch.{branch}.remote"), "origin", *(listed if len(listed) == 1 else ())]
    return next((each for each in candidates if each in listed), "origin")


def default_of(root: Path, remote: str) -> str:
    """Return the branch that a remote checks out by default, as the clone knows it; "" where it does not."""
    place = f"refs/remotes/{remote}/"
    if f"{place}HEAD" not in git.at(root).refs:
        return ""
    return git.run(root, "symbolic-ref", "--quiet", f"{place}HEAD", accepted=(0, 1)).strip().removeprefix(place)


def urls_of(root: Path, remote: str) -> list[str]:
    """Return the URL that a remote is pushed to, and how the configuration writes it where that differs.

    `insteadOf` makes one of the other: it may stand for a short form, or for a mirror in another place.
    """
    known = git.at(root)
    configured = known.setting(f"remote.{remote}.pushurl") or known.setting(f"remote.{remote}.url")
    used = git.run(root, "remote", "get-url", "--push", remote).strip()
    return list(dict.fromkeys(each for each in (used, configured) if each))


def fetch(root: Path, remote: str, names: Iterable[str]) -> frozenset[str]:
    """Fetch those branches that a remote has, and return them; raise ToolError where it cannot be reached."""
    wanted = frozenset(names)
    places = sorted(f"refs/heads/{each}" for each in wanted)
    listed = _over_the_net(root, remote, "ls-remote", "--heads", remote, *places)
    found = wanted & {line.partition("\t")[2].removeprefix("refs/heads/") for line in listed.split("\n")}
    refspecs = [f"+refs/heads/{name}:refs/remotes/{remote}/{name}" for name in sorted(found)]
    if refspecs:
        _over_the_net(root, remote, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", remote, *refspecs)
        git.forget()
    return found


def remote_tip(root: Path, remote: str, branch: str) -> str:
    """Return the commit that a remote's branch is at, fetched; "" if it has no such branch."""
    return snapshot.resolve(root, f"refs/remotes/{remote}/{branch}") if fetch(root, remote, [branch]) else ""


def push(root: Path, remote: str, commit: str, branch: str, expected: str) -> None:
    """Push a commit to a remote's branch, which must be at the expected commit; "" for a new one."""
    lease = f"--force-with-lease=refs/heads/{branch}:{expected}"
    _over_the_net(root, remote, "push", "--quiet", lease, remote, f"{commit}:refs/heads/{branch}")
    git.forget()


def _over_the_net(root: Path, remote: str, *arguments: str) -> str:
    try:
        return git.run(root, *arguments)
    except ToolError as error:
        raise ToolError(
            f"{remote} ({_PASSWORD.sub('', urls_of(root, remote)[0])}): {_PASSWORD.sub('', error.message)}",
            "Nothing was changed there. Check the remote, your rights and the network, and run this command again.",
        ) from None


def tip(root: Path, revision: str, remote: str = "") -> str:
    """Return the commit that a branch, tag or commit names: on a remote if one is given, else as it is known here.

    Raise ArgosyError where it is nowhere.
    """
    if remote:
        found = snapshot.resolve(root, f"refs/remotes/{remote}/{revision}")
    elif git.branch(root) == revision:
        found = git.at(root).head
    else:
        branch = newest(root, revision)
        found = branch.commit if branch else snapshot.resolve(root, revision)
    if not found:
        raise absent(root, revision, remote)
    return found


def absent(root: Path, revision: str, remote: str = "") -> ArgosyError:
    """Return the error that a branch is not on a remote; none given: neither in this clone."""
    name = remote or remote_name(root, revision)
    return ArgosyError(
        f"There is no branch {revision} {'on' if remote else 'here, nor on'} {name}.",
        f"Fetch it: {fetching(root, revision)}, or make it: git branch {revision}",
    )


def fetching(root: Path, branch: str) -> str:
    """Return the command that brings a branch here from its remote, with all others, also into a clone of a single one.

    There, naming a branch would write FETCH_HEAD alone. Of several remotes that do not tell which is meant, one that
    has the branch is taken.
    """
    name = remote_name(root, branch)
    if name not in git.at(root).remote_names:
        held = re.compile(rf"refs/remotes/([^/]+/{re.escape(branch)})")
        if found := next(filter(None, map(held.fullmatch, git.at(root).refs)), None):
            return f"git branch {branch} {found[1]}"
    return f"git fetch {name} '+refs/heads/*:refs/remotes/{name}/*'"


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a branch or another revision is, as far as a clone knows it."""

    branch: str
    ref: str
    commit: str
    """Empty where the clone does not know it."""
    remark: str = ""
    """What to know of it, since this clone's and the remote's are not the same; empty where they are."""

    @property
    def name(self) -> str:
        """What people call it: a branch of a remote with the remote's name before it."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")


def newest(root: Path, branch: str) -> Tip | None:
    """Return where a branch is: this clone's or the remote's as last fetched, whichever has the other's commits.

    Of two that diverged, it is this clone's; None where neither is there.
    """
    refs = git.at(root).refs
    return newer(root, branch, {ref: refs[ref] for ref in places(root, branch) if ref in refs})


def places(root: Path, branch: str) -> tuple[str, str]:
    """Return the references of a branch: this clone's, and that of its remote."""
    return f"refs/heads/{branch}", f"refs/remotes/{remote_name(root, branch)}/{branch}"


def newer(root: Path, branch: str, tips: Mapping[str, str]) -> Tip | None:
    """Return the one of a branch's references that is read, of those that are there, each with its commit."""
    own, fetched = places(root, branch)
    if len({*tips.values()}) < 2:
        return next((Tip(branch, ref, commit) for ref, commit in tips.items()), None)
    counted = git.run(root, "rev-list", "--left-right", "--count", f"{tips[own]}...{tips[fetched]}").split()
    ahead, behind = map(int, counted)
    there = fetched.removeprefix("refs/remotes/")
    if ahead and behind:
        way = f"git switch {branch} && git pull --rebase"
        return Tip(
            branch, own, tips[own], f"{branch} and {there} have diverged, and {branch} is read. Join them: {way}"
        )
    if ahead:
        return Tip(branch, own, tips[own])
    way = "git pull" if git.branch(root) == branch else f"git fetch . {there}:{branch}"
    few = "1 commit" if behind == 1 else f"{behind} commits"
    remark = f"{branch} is {few} behind {there}, which is read instead. To follow it: {way}"
    return Tip(branch, fetched, tips[fetched], remark)


def is_branch(root: Path, name: str) -> bool:
    """Return whether a revision is a branch, here or on a remote, rather than a tag or a commit."""
    if name == "HEAD":
        return False
    own, of_remote = f"refs/heads/{name}", re.compile(rf"refs/remotes/[^/]+/{re.escape(name)}")
    return any(ref == own or of_remote.fullmatch(ref) for ref in git.at(root).refs)
