"""A branch of its own, which no work tree takes part in, and its pull request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argosy.delivery.delivery import Delivery
from argosy.errors import ArgosyError, InterruptedByUserError, UsageError

if TYPE_CHECKING:
    from argosy.git.snapshot import Snapshot, Written
    from argosy.hosting import Host, Proposal


@dataclass(frozen=True, slots=True)
class Offer:
    """What a branch is to bring into another one."""

    before: Snapshot
    """What it starts from."""
    written: Written
    message: str
    """The commit's; its first line is the pull request's title."""
    base: str
    """The branch that it is for."""
    branch: str
    kind: str
    """What it is, as in “this promotion's commits”."""
    body: Callable[[int], str]
    """Return the pull request's text: Markdown of at most so many characters."""
    is_earlier: Callable[[str], bool]
    """Return by its message whether a commit on the branch is an earlier one of this, which may give way to it."""
    labels: tuple[str, ...] = ()


@contextmanager
def interruptible(name: str, done: Sequence[str]) -> Iterator[None]:
    """Let Ctrl-C, or what goes wrong, say which branch was being made, and which ones are done."""
    try:
        yield
    except KeyboardInterrupt:
        before = f"before {name} was done; done: {', '.join(done)}" if done else f"while {name} was being made"
        raise InterruptedByUserError(f"Interrupted {before}.", "Run this command again to continue.") from None
    except ArgosyError as error:
        if done:
            error.hint += (
                f"\n  {name} is not done, and these are: {', '.join(done)}. Run this command again to continue."
            )
        raise


def check(root: Path, names: Collection[str], bases: Collection[str]) -> None:
    """Raise UsageError unless each name is one of a branch that a commit may come to before anybody has looked at it.

    It is none that the result is for (`bases`), that is checked out, that an environment follows, or the default one.
    """
    from argosy import git  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415
    from argosy.repository import store  # noqa: PLC0415

    remote = branches.remote_name(root)
    taken = {**dict.fromkeys(bases, "is what this is for"), branches.default_of(root, remote): f"is {remote}'s default"}
    if store.is_repository(root):
        known = store.load(root, ()).repository
        taken |= {known.settings.branch: "is the default one"}
        taken |= {each.revision: f"is what {each.name} follows" for each in known.environments}
    taken |= {git.branch(root): "is checked out"}
    for name in names:
        branches.check_name(root, name)
        if name in taken:
            raise UsageError(
                f"The branch {name} {taken[name]}, and what is proposed comes to a branch of its own.",
                "Name a new one with --branch.",
            )


def deliver(given: Delivery, offer: Offer) -> dict[str, Any]:
    """Commit on the branch; push it and open its pull request, or update that, where it is wanted.

    Return what JSON has: `branch`, `commit`, and `url` or `pullRequest`.
    """
    commit, made = (_push if given.pull_request else _keep)(given, offer)
    return {**made, "branch": offer.branch, "commit": commit}


def configured(root: Path, key: str) -> dict[str, Any]:
    """Return what .argosy.yaml says below a key."""
    from argosy.documents import plain  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    found = plain.load(root / layout.CONFIGURATION, root).get(key)
    return found if isinstance(found, dict) else {}


def _keep(given: Delivery, offer: Offer) -> tuple[str, dict[str, Any]]:
    """Commit on a branch of this clone."""
    from argosy.git import branches, snapshot  # noqa: PLC0415

    name = offer.branch
    present = snapshot.resolve(given.root, f"refs/heads/{name}")
    fetched = snapshot.resolve(given.root, f"refs/remotes/{branches.remote_name(given.root)}/{name}")
    commit = _commit(given.root, offer, present, fetched)
    if commit != present:
        branches.put(given.root, name, commit, present)
    given.say(f"Committed on the branch {name}. Your work tree is unchanged. git show {name} shows it.")
    try:
        remote = branches.remote_of(given.root)
        host = host_of(given.root, remote)
    except ArgosyError:
        return commit, {}  # There is nowhere to push to yet, or nothing known of it.
    url = host.url_to_open(_proposal(offer, host))
    given.say(f"Next: git push {remote} {name}, and open a pull request:")
    given.show(url)
    return commit, {"url": url}


def _push(given: Delivery, offer: Offer) -> tuple[str, dict[str, Any]]:
    """Push the branch, and open or update its pull request."""
    from argosy.git import branches, snapshot  # noqa: PLC0415

    name = offer.branch
    remote = branches.remote_of(given.root)
    host = host_of(given.root, remote)
    has_token = host.token() is not None
    present = branches.remote_tip(given.root, remote, name)
    commit = _commit(given.root, offer, present, snapshot.resolve(given.root, f"refs/heads/{name}"))
    if commit != present:
        branches.push(given.root, remote, commit, name, present)
    proposal = _proposal(offer, host)
    if not has_token:
        url = host.url_to_open(proposal)
        variables = " or ".join(host.token_variables)
        given.say(f"Pushed the branch {name}. Without a token in {variables}, open the pull request yourself:")
        given.show(url)
        return commit, {"url": url}
    try:
        opened = host.propose(proposal)
    except ArgosyError as error:
        go_on = f"The branch {name} is pushed already: run this command again, or open the pull request yourself."
        raise ArgosyError(error.message, f"{error.hint}\n  {go_on}".strip()) from error
    for remark in opened.remarks:
        given.say(remark)
    given.say("Opened:" if opened.created else "Updated:")
    given.show(opened.url)
    return commit, {"pullRequest": {"number": opened.number, "url": opened.url, "created": opened.created}}


def _commit(root: Path, offer: Offer, present: str, elsewhere: str) -> str:
    """Return the commit: the present one of its branch where that is the same; refuse to lose another.

    `elsewhere` is where a branch of the same name is besides: on the remote, or in this clone.
    """
    from argosy.git import branches  # noqa: PLC0415

    for tip in {present, elsewhere} - {""}:
        _refuse_another(root, offer, tip)
    commit = branches.commit(offer.before, offer.written, offer.message)
    if present and _signature(root, commit) == _signature(root, present):
        return present
    return commit


def _refuse_another(root: Path, offer: Offer, tip: str) -> None:
    """Raise ArgosyError unless a branch that is at a commit was made for an earlier offer of the same."""
    from argosy import git  # noqa: PLC0415

    asked = ("log", "-z", "--format=%B")
    others = git.run(root, *asked, tip, f"^{offer.before.commit}")
    # One that has nothing new was merged, or is somebody else's: a release, say, that was cut from the same history.
    held = others or git.run(root, *asked, "--max-count=1", tip)
    if not all(map(offer.is_earlier, held.split("\0")[:-1])):
        why = f"has commits that are not part of this {offer.kind}" if others else f"was not made by this {offer.kind}"
        raise ArgosyError(
            f"The branch {offer.branch} exists and {why}.",
            "Merge or delete it first, or name another with --branch.",
        )


def _signature(root: Path, commit: str) -> str:
    from argosy import git  # noqa: PLC0415

    return git.run(root, "log", "-1", "--format=%T %P%n%B", commit)


def host_of(root: Path, remote: str) -> Host:
    """Return the host of a remote, as the first of its URLs tells that names a project."""
    from argosy import hosting  # noqa: PLC0415
    from argosy.git import branches  # noqa: PLC0415

    urls = branches.urls_of(root, remote)
    return hosting.host_of(next(filter(_names_project, urls), urls[0]), configured(root, "host"))


def _names_project(url: str) -> bool:
    from argosy.hosting import remote  # noqa: PLC0415

    try:
        remote.parse(url)
    except UsageError:
        return False
    return True


def _proposal(offer: Offer, host: Host) -> Proposal:
    from argosy.hosting import Proposal, codeowners  # noqa: PLC0415

    owned = next((text for place in host.codeowners if (text := offer.before.read(place)) is not None), b"")
    return Proposal(
        branch=offer.branch,
        base=offer.base,
        title=offer.message.partition("\n")[0],
        body=offer.body(host.body_limit),
        labels=offer.labels,
        reviewers=codeowners.owners(owned.decode(errors="replace"), offer.written),
    )
