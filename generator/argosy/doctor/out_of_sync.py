"""Why an Application stays OutOfSync: what it is compared with, and what keeps the sync from succeeding."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from argosy import git
from argosy.argocd.view import ArgoApplication
from argosy.doctor import events, live, remotes, rules
from argosy.doctor.case import Case, check, elsewhere, git_sources, inside_repository, is_rolled
from argosy.doctor.case import live as of_cluster
from argosy.doctor.complaints import TITLES, Topic, complaints, told, topic_of
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.doctor.remotes import COMMIT, Remote, is_range
from argosy.documents.fields import field, text
from argosy.git import branches, objects
from argosy.kubernetes.cluster import Cluster
from argosy.names import joined
from argosy.reporting.wording import number


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks, in the order in which Argo CD would stumble."""
    yield check(
        "repository-url",
        "repoURL is this repository's",
        _urls(case),
        "No source is a Git repository.",
    )
    yield check("target-revision", "targetRevision exists there", _revisions(case), "No source is a Git repository.")
    yield check("path", "path and value files exist at that revision", _paths(case), "No source is a Git repository.")
    yield check(
        "manifests",
        "the manifests are valid, and no two Applications fight over one",
        case.of_findings(rules.is_of_manifests),
        "Validation finds nothing wrong with the manifests.",
    )
    yield check("application", "the Application in the cluster is the one in Git", case.of_live(live.same), "")
    left_over = "All that reads this repository is in Git."
    yield check("left-over", "the cluster has nothing that Git no longer has", case.of_live(live.left_over), left_over)
    yield check("sync-status", "what Argo CD says: sync and health", case.of_live(live.status), "")
    yield check(
        "sync-operation",
        TITLES[Topic.SYNC],
        case.of_live(_operations),
        "",
    )
    rollout = [*case.of_rules("rolling-sync-off"), *case.of_live(_rollout)] if _rolled(case) else []
    yield check("rollout", "Argo CD keeps the order of rollouts", rollout, "No Application is part of one.")
    yield check("namespaces", "the namespaces are there", case.of_live(live.namespaces), "None is deployed to.")
    yield check("kinds", "the cluster has the kinds", case.of_live(live.kinds), "Nothing is rendered.")
    runs = "They run, or there are none."
    yield check("pods-deployed", "the Pods that are deployed run", case.of_live(events.pods), runs)
    yield check("events", "what the namespaces' events warn of", case.of_live(_events), "No namespace is deployed to.")


def _rolled(case: Case) -> tuple[str, ...]:
    """Return the names of the Applications that are synced step by step."""
    return tuple(each.name for each in case.applications if is_rolled(each))


def _rollout(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield whether the ApplicationSet controller knows steps."""
    key, name, about = "applicationsetcontroller.enable.progressive.syncs", "argocd-cmd-params-cm", _rolled(case)
    if cluster.settings(name).get(key) == "true":
        yield ok(f"{name} switches it on.", applications=about)
        return
    patch = shlex.quote(json.dumps({"data": {key: "true"}}))
    commands = (
        f"{cluster.kubectl()} patch configmap {name} --type merge --patch {patch}",
        f"{cluster.kubectl()} rollout restart deployment argocd-applicationset-controller",
    )
    seen = f"{name} does not set {key}, so that all are synced at once."
    yield problem(seen, "argosy bootstrap applies argocd/install; or:", "\n".join(commands), about)


def _operations(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from complaints(case, cluster, Topic.SYNC)
    for application in case.applications:
        found, about = of_cluster(application, cluster), (application.name,)
        if found is None:
            continue
        topics = {topic_of(each) for each in told(found)}
        phase = text(field(found, "status", "operationState", "phase"))
        if others := [f"“{TITLES[topic]}”" for topic in Topic if topic in topics - {Topic.SYNC}]:
            yield ok(f"Argo CD complains: see {joined(others)}.", applications=about)
        elif not topics:
            ended = {"Succeeded": "The last sync succeeded.", "": "It was never synced."}
            yield ok(ended.get(phase, "A sync is running."), applications=about)


def _events(case: Case, cluster: Cluster) -> Iterator[Observation]:
    yield from elsewhere(case, cluster)
    yield from events.refusals(case, cluster, quota=False)


# What Git has


def _urls(case: Case) -> Iterator[Observation]:
    yield from case.of_rules(*rules.URL)
    own = branches.remote_name(case.root)
    used = dict(remotes.known(case.root).values()).get(own)
    for application in case.applications:
        for pointer, spec in git_sources(application):
            remote, url, about = case.remote(spec), text(spec.get("repoURL")), (application.name,)
            if remote.name:
                yield ok(f"{url} is the remote {remote.name}.", applications=about)
            elif case.is_ours(spec):
                yield _elsewhere(url, own, used, about)
            elif remote.refs is None:
                seen = f"{url} is another repository, and it was not read from here: {remote.trouble.rstrip('.')}."
                advice = f"See whether repoURL in {_place(application, pointer, 'repoURL')} is right."
                yield unknown(seen, advice, f"git ls-remote {url}", about)
            else:
                yield ok(f"{url} is another repository, and there.", applications=about)


def _elsewhere(url: str, own: str, used: str | None, about: tuple[str, ...]) -> Observation:
    seen = f"No remote of this clone is {url}, which Argo CD reads"
    if used is None:
        return problem(f"{seen}: nothing is pushed.", "Name it.", f"git remote add {own} {url}", about)
    advice = f"Correct the remote; or have Argo CD read {own}: argosy set repository repoURL={used}."
    return problem(f"{seen}: what is pushed goes to {used}.", advice, f"git remote set-url {own} {url}", about)


def _revisions(case: Case) -> Iterator[Observation]:
    for application in case.applications:
        for pointer, spec in git_sources(application):
            yield _revision(case, application, spec, _place(application, pointer, "targetRevision"))


def _revision(case: Case, application: ArgoApplication, spec: Mapping[str, Any], where: str) -> Observation:
    remote, revision = case.remote(spec), text(spec.get("targetRevision")) or "HEAD"
    about, commit = (application.name,), remote.commit(revision)
    when = "" if remote.is_asked else f" (as last fetched: {remote.trouble})"
    if COMMIT.fullmatch(revision):
        return _pinned(case, remote, revision, about)
    if commit is not None:
        return ok(f"“{revision}” of {remote.label} is at {commit[:7]}{when}.", applications=about)
    if is_range(revision):
        seen = f"“{revision}” is a range of versions: Argo CD takes the highest tag in it."
        return unknown(seen, "See which one that is.", f"git ls-remote --tags {remote.label}", about)
    if not remote.is_asked:
        seen = f"Whether {remote.label} has “{revision}” is not known: {remote.trouble}."
        return unknown(seen, "Ask it.", f"git ls-remote {remote.label} {revision}", about)
    return _missing(case, remote, revision, where, about)


def _missing(case: Case, remote: Remote, revision: str, where: str, about: tuple[str, ...]) -> Observation:
    if revision in case.view.revisions:
        seen, push = f"{remote.label} has no “{revision}”: it is only here.", f"git push {remote.label} {revision}"
        return problem(seen, "Push it.", push, about)
    branches = joined(remote.branches(), 8) or "none"
    seen = f"{remote.label} has no branch and no tag “{revision}”. Its branches: {branches}."
    push = f"git push {remote.label} HEAD:refs/heads/{revision}"
    return problem(seen, f"Correct targetRevision in {where}, or push that branch.", push, about)


def _pinned(case: Case, remote: Remote, commit: str, about: tuple[str, ...]) -> Observation:
    if commit in (remote.refs or {}).values():
        return ok(f"{commit[:7]} is pinned, and there.", applications=about)
    if remote.name and objects.types(case.root, [f"{commit}^{{commit}}"])[0][1] == "commit":
        held = git.run(case.root, "branch", "--remotes", "--list", f"{remote.name}/*", "--contains", commit).strip()
        if held:
            return ok(f"{commit[:7]} is pinned, and in {held.split()[0]}.", applications=about)
    seen = f"{commit[:7]} is pinned, and whether {remote.label} has it is not known."
    return unknown(seen, "Fetch, and ask again.", f"git fetch {remote.name or remote.url}", about)


def _paths(case: Case) -> Iterator[Observation]:
    yield from case.of_rules(*rules.PATHS)
    wanted: dict[tuple[str, str], dict[str, set[str]]] = {}
    for application in case.applications:
        for _, spec in git_sources(application):
            remote, revision = case.remote(spec), text(spec.get("targetRevision")) or "HEAD"
            commit = remote.commit(revision)
            if commit and remote.name:
                paths = wanted.setdefault((commit, f"{revision} of {remote.label}"), {})
                for path in inside_repository(spec, case.root):
                    paths.setdefault(path, set()).add(application.name)
            else:
                why = "see the checks before" if remote.name or case.is_ours(spec) else "it is another repository"
                yield unknown(
                    f"What “{revision}” of {remote.label} has is not known: {why}.", applications=(application.name,)
                )
    for (commit, revision), paths in wanted.items():
        yield from _at(case, commit, revision, paths)


def _at(case: Case, commit: str, revision: str, paths: Mapping[str, Iterable[str]]) -> Iterator[Observation]:
    everybody = sorted({name for names in paths.values() for name in names})
    if not paths:
        return
    kinds = objects.types(case.root, [f"{commit}^{{commit}}", *(f"{commit}:{path}" for path in paths)])
    if kinds[0][1] != "commit":
        remote = revision.rpartition(" of ")[2]
        seen = f"{revision} is at {commit[:7]}, which this clone does not have."
        yield unknown(seen, "Fetch, and ask again.", f"git fetch {remote}", everybody)
        return
    missing = [path for path, (_, kind) in zip(paths, kinds[1:], strict=True) if not kind]
    # What is missing here too, validation reports.
    here = [path for path in missing if (case.root / path).exists()]
    committed = objects.types(case.root, [f"HEAD:{path}" for path in here]) if here else []
    for path, (_, kind) in zip(here, committed, strict=True):
        where = f"{revision} ({commit[:7]})"
        yield _not_pushed(case, path, where, sorted(paths[path]), is_committed=bool(kind))
    if len(missing) < len(paths):
        found = number(len(paths) - len(missing), "path")
        yield ok(f"{found} found in {revision} ({commit[:7]}).", applications=everybody)


def _not_pushed(
    case: Case, path: str, revision: str, applications: Sequence[str], *, is_committed: bool
) -> Observation:
    seen = f"{path} is here, and not in {revision}."
    if {path, f"{path}/"} & case.ignored or path.startswith(tuple(each for each in case.ignored if each[-1:] == "/")):
        return problem(
            f"{seen} .gitignore keeps it out.", "Mend .gitignore.", f"git check-ignore --verbose {path}", applications
        )
    name, _, remote = revision.partition(" (")[0].rpartition(" of ")
    branch = git.branch(case.root)
    followed = branch if name == "HEAD" else name
    if not any(f"refs/heads/{followed}" in (each.refs or {}) for each in case.remotes.values()):
        return problem(seen, "That is no branch, so name a newer revision in targetRevision.", "", applications)
    push = f"git push {remote} {followed}"
    if not is_committed and branch == followed:
        return problem(seen, "Commit and push it.", f"git add {path} && git commit && {push}", applications)
    if branch == followed:
        return problem(seen, "It is committed: push it.", push, applications)
    add = "" if is_committed else f"git add {path} && git commit\n"
    here = branch or git.run(case.root, "rev-parse", "HEAD").strip()
    command = f"{add}git switch {followed}\ngit checkout {here} -- {path}\ngit commit --message 'Add {path}'\n{push}"
    return problem(seen, f"Argo CD reads it on {followed}, so bring it there:", command, applications)


def _place(application: ArgoApplication, pointer: Sequence[str | int], name: str) -> str:
    line = application.document.line_of(application.at(*pointer, name))
    return application.document.path + (f":{line}" if line else "")
