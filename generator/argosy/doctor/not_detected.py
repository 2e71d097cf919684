"""Why Argo CD does not detect what was pushed: whether it was, what notifies Argo CD, and when it looked last."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from argosy import git
from argosy.doctor import notice, reconciliation, rules
from argosy.doctor.case import PAUSED, SKIP, Case, check, git_sources, is_paused, live, namespace_of
from argosy.doctor.complaints import TITLES, Topic, complaints
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.doctor.remotes import COMMIT, Remote
from argosy.documents.fields import text
from argosy.errors import ToolError
from argosy.git import objects
from argosy.kubernetes.cluster import Cluster
from argosy.names import joined
from argosy.reporting.wording import number
from argosy.repository import layout


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks, from the work tree to Argo CD's own processes."""
    yield check("pushed", "what is here is committed and pushed", _pushed(case), "All of it is.")
    stale = case.of_rules(*rules.GENERATE_PATHS, *rules.STALE)
    yield check("generate-paths", "manifest-generate-paths covers the sources", stale, "It covers all that is read.")
    yield check("paused", PAUSED, _paused(case), f"No Application in Git has {SKIP}.")
    yield check("polling", "how often Argo CD asks Git", notice.polling(case), "")
    yield check(
        "webhook", "the host notifies Argo CD of pushes", notice.webhooks(case), "No source is of this repository."
    )
    newest = case.of_live(reconciliation.compared)
    yield check("compared", "the commit that was compared last is the newest", newest, "Nothing is compared with Git.")
    found = case.of_live(partial(complaints, topic=Topic.GIT))
    yield check("git-access", TITLES[Topic.GIT], found, "No such error.")
    yield check("pods", "Argo CD's pods are ready", case.of_live(reconciliation.pods), "")


def _pushed(case: Case) -> Iterator[Observation]:
    try:
        edited = [path for path in _edited(case) if _matters(case, path)]
    except ToolError as error:
        yield unknown(error.message, error.hint)
        return
    branch, followed = git.branch(case.root), {}
    for application in case.applications:
        for _, spec in git_sources(application):
            if (remote := case.remote(spec)).name:
                followed[text(spec.get("targetRevision")) or "HEAD"] = remote
    yield from _uncommitted(case, edited, branch)
    for revision, remote in followed.items():
        yield from _branch(case, branch if revision == "HEAD" else revision, revision, remote)
    if branch and followed and not {branch, "HEAD"} & followed.keys():
        yield from _aside(case, branch, followed)
    if not followed:
        yield unknown("What is pushed is not known: no remote of this clone is the repository of an Application.")


def _uncommitted(case: Case, edited: Sequence[str], branch: str) -> Iterator[Observation]:
    """Yield what is not committed; what Argo CD reads from another branch than the one checked out belongs there."""
    places: dict[tuple[str, ...], list[str]] = {}
    for path in edited:
        revisions = {
            text(spec.get("targetRevision")) or "HEAD"
            for this in case.applications
            if any(path == each or path.startswith(f"{each}/") for each in case.reads(this))
            for _, spec in git_sources(this)
        }
        here = not revisions or {branch, "HEAD"} & revisions
        places.setdefault(() if here else tuple(sorted(revisions)), []).append(path)
    if committed := places.pop((), None):
        seen = f"Not committed, so Argo CD cannot see it: {joined(committed, 5)}."
        yield problem(seen, "Commit and push it.", "git add --all && git commit && git push")
    for others, paths in places.items():
        seen = f"Argo CD reads from {joined(others, 5)} what is edited here, and not committed: {joined(paths, 5)}."
        advice = f"Commit it on {joined(others, 5)}: on {branch or 'what is checked out'} it has no effect."
        aside = f"git stash push --include-untracked -- {shlex.join(paths)}"
        yield problem(seen, advice, f"{aside} && git switch {others[0]} && git stash pop")


def _edited(case: Case) -> list[str]:
    return [path for path, letters in git.at(case.root).status.items() if letters != "!!"]


def _matters(case: Case, path: str) -> bool:
    """Return whether a path is, or may become, a part of what is examined."""
    chosen, application, environment = case.choice, layout.application_of(path), layout.environment_of(path)
    if application is not None or environment is not None:
        return application in {None, chosen.application or application} and (
            environment in {None, chosen.environment or environment}
        )
    return any(path == each or path.startswith(f"{each}/") for this in case.applications for each in case.reads(this))


def _branch(case: Case, branch: str, revision: str, remote: Remote) -> Iterator[Observation]:
    """Yield how a branch that Argo CD follows differs from the one of the same name here."""
    commit = remote.commit(revision)
    if commit is None or COMMIT.fullmatch(revision):
        yield from _absent(case, revision, remote)
        return
    (own, _), (_, kind) = objects.types(case.root, [f"refs/heads/{branch}^{{commit}}", f"{commit}^{{commit}}"])
    when = "" if remote.is_asked else f" (as last fetched: {remote.trouble})"
    if kind != "commit":
        seen = f"{remote.label} has commits of {branch} that this clone does not have ({commit[:7]})."
        advice = "Somebody else pushed: your clone is not what is deployed."
        yield problem(seen, advice, f"git fetch {remote.name}")
        return
    if not own:
        yield ok(f"{branch} of {remote.label} is at {commit[:7]}{when}.")
        return
    behind, ahead = map(int, git.run(case.root, "rev-list", "--left-right", "--count", f"{commit}...{own}").split())
    if ahead:
        seen = f"{branch} has {number(ahead, 'commit')} that {remote.label} does not have{when}."
        yield problem(seen, "Push.", f"git push {remote.name} {branch}")
    if behind:
        seen = f"{branch} is {number(behind, 'commit')} behind {remote.label}{when}."
        advice = "What is deployed is newer than your clone: pull it."
        is_here = branch == git.branch(case.root)
        # A pull would merge it into the branch that is checked out.
        pull = f"git pull {remote.name} {branch}" if is_here else f"git fetch {remote.name} {branch}:{branch}"
        yield problem(seen, advice, pull)
    if not (ahead or behind):
        yield ok(f"{branch} is what {remote.label} has{when}.")


def _absent(case: Case, revision: str, remote: Remote) -> Iterator[Observation]:
    """Yield what there is to say of a revision that is no branch of the remote."""
    if COMMIT.fullmatch(revision):
        yield ok(f"{revision[:7]} is pinned: what is pushed after it is not deployed.")
    elif remote.refs is None:
        yield unknown(
            f"What {remote.label} has is not known: {remote.trouble}.", command=f"git ls-remote {remote.label}"
        )
    elif revision in case.view.revisions and remote.is_asked:
        yield problem(f"{revision} is not pushed.", "Push it.", f"git push --set-upstream {remote.name} {revision}")
    else:
        yield unknown(f"Whether {revision} is pushed is not known: see the check of targetRevision.")


def _aside(case: Case, branch: str, followed: Mapping[str, Remote]) -> Iterator[Observation]:
    """Yield what only the branch that is checked out has, where Argo CD follows others."""
    tips = [tip for revision, remote in followed.items() if (tip := remote.commit(revision))]
    kinds = objects.types(case.root, [f"{tip}^{{commit}}" for tip in tips])
    without = [f"^{tip}" for tip, (_, kind) in zip(tips, kinds, strict=True) if kind]
    count = int(git.run(case.root, "rev-list", "--count", "HEAD", *without))
    if count:
        seen = (
            f"{branch} is checked out and has {number(count, 'commit')} that no branch has which Argo CD follows: "
            f"{joined(sorted(followed), 5)}."
        )
        yield problem(seen, "Merge it.", f"git log --oneline HEAD {' '.join(each[:8] for each in without)}")


def _paused(case: Case) -> Iterator[Observation]:
    for application in case.applications:
        if is_paused(application.manifest):
            seen = f"{application.document.path} has the annotation {SKIP}: nothing is reconciled."
            yield problem(seen, "Remove it, and push.", f"git grep --line-number {SKIP}", (application.name,))
    if case.cluster is not None:
        yield from case.of_live(_paused_live)


def _paused_live(case: Case, cluster: Cluster) -> Iterator[Observation]:
    for application in case.applications:
        found = live(application, cluster)
        if is_paused(found):
            seen = f"The Application in the cluster has the annotation {SKIP}: nothing is reconciled."
            what = f"annotate application.argoproj.io {application.name} {SKIP}-"
            command = f"{cluster.kubectl(namespace_of(application))} {what}"
            yield problem(seen, "Take it away.", command, (application.name,))
