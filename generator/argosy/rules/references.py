"""Rules of what an Application refers to: paths, value files, repositories, revisions and branches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from argosy.argocd import ranges
from argosy.argocd.sources import Kind, is_here, resolve
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents.fields import field, text
from argosy.findings import Problem, Severity
from argosy.git import branches
from argosy.names import nearest
from argosy.paths import entries, holds
from argosy.rules.examples import APPLICATION, CONFIG_MAP, DESTINATION, REPOSITORY, SERVICE
from argosy.rules.registry import Scope, rule

_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop-dev
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://git.example.com/acme/gitops.git
    targetRevision: main
    {source}
  destination:
    server: https://kubernetes.default.svc
    namespace: shop-dev
"""
_CHART = """\
# file: charts/shop/Chart.yaml
apiVersion: v2
name: shop
description: The shop
version: 1.0.0
# file: charts/shop/values.yaml
port: 80
# file: charts/shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  ports:
    - port: {{ .Values.port }}
"""


def _application(source: str) -> str:
    return "# file: argocd/shop-dev.yaml\n" + _APPLICATION.format(source=source)


@rule(
    "path-missing",
    Severity.ERROR,
    Scope.APPLICATION,
    "A source's path is not a folder in the repository.",
    explanation="`source.path` is relative to the repository's root. With a path that is absolute, leads out of the "
    "repository or is not a folder, the Application shows a ComparisonError, and nothing is deployed.",
    bad=_application("path: shop") + "# file: apps/shop/service.yaml\n" + SERVICE,
    good=_application("path: apps/shop") + "# file: apps/shop/service.yaml\n" + SERVICE,
)
def path_missing(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find sources whose path is no folder here."""
    for source in resolve(application, view):
        for miss in source.misses if source.kind is Kind.MISSING else ():
            yield Problem(
                f"The path “{miss.path}” is invalid: {miss.reason}.",
                application.at(*miss.at),
                did_you_mean_path(view.root, miss.path) or "Use a folder of this repository, relative to its root.",
                cause=miss.path,
            )


@rule(
    "value-file-missing",
    Severity.ERROR,
    Scope.APPLICATION,
    "A values file or file parameter of a Helm source does not exist.",
    explanation="Value files and `fileParameters` are relative to the chart's folder; with a leading `/` they are "
    "relative to the repository's root, and with `$name/` to the root of the source with that `ref`. If a file does "
    "not exist, is outside the repository, or a glob matches nothing, the Application fails. For files outside the "
    "chart, write the path from the root: `/environments/…`.",
    bad=_application("path: charts/shop\n    helm:\n      valueFiles:\n        - ../values-dev.yaml") + _CHART,
    good=_application("path: charts/shop\n    helm:\n      valueFiles:\n        - /environments/dev.yaml")
    + _CHART
    + "# file: environments/dev.yaml\nport: 8080\n",
)
def value_file_missing(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find value files that Argo CD would not find."""
    for source in resolve(application, view):
        for miss in source.misses if source.kind in {Kind.HELM, Kind.REMOTE} else ():
            base = "" if miss.path.startswith("/") else source.spec.get("path")
            yield Problem(
                f"The {'file' if 'fileParameters' in miss.at else 'values file'} “{miss.path}” cannot be read: "
                f"{miss.reason}.",
                application.at(*miss.at),
                did_you_mean_path(view.root, miss.path)
                or "Paths are relative to the chart's folder; one with a leading / is relative to the repository's "
                "root.",
                cause=f"{base} {miss.path}",
            )


@rule(
    "repository-foreign",
    Severity.WARNING,
    Scope.APPLICATION,
    "A source refers to another repository, but its path exists in this one.",
    explanation="Argo CD would read the other repository. Usually the URL was copied from an example or is misspelt. "
    "This repository's URLs are those of its Git remotes and of `.copier-answers.yml`.",
    bad="# file: .copier-answers.yml\nrepo_url: https://git.example.com/acme/gitops-new.git\n"
    + _application("path: apps/shop")
    + "# file: apps/shop/service.yaml\n"
    + SERVICE,
    good="# file: .copier-answers.yml\nrepo_url: git@git.example.com:acme/gitops\n"
    + _application("path: apps/shop")
    + "# file: apps/shop/service.yaml\n"
    + SERVICE,
)
def repository_foreign(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find sources that lie here but name another repository."""
    for source in resolve(application, view):
        url = str(source.spec.get("repoURL", ""))
        if source.folder is not None and source.kind is not Kind.REMOTE and not is_here(url, view):
            yield Problem(
                f"“{url}” is not this repository, but {source.folder.relative_to(view.root).as_posix()} exists here.",
                application.at(*source.at, "repoURL"),
                f"This repository's URL is {' or '.join(sorted(view.urls))}. Correct the URL, or rename the folder if "
                "the other repository is intended.",
                cause=url,
            )


_COMMIT = re.compile(r"[0-9A-Fa-f]{7,}")
"""What Argo CD takes for a commit where it is no branch or tag."""
_VERSION = re.compile(r"v?\d+(\.\d+){0,2}([-+][\w.+-]*)?", re.ASCII)
"""What Argo CD looks for the newest tag of."""


@rule(
    "revision-unknown",
    Severity.WARNING,
    Scope.APPLICATION,
    "A source tracks a revision that does not exist in this repository.",
    explanation="`targetRevision` is a branch, a tag, a commit of at least seven digits, a full name such as "
    "`refs/heads/main`, or a range of versions, such as `1.*`, which a tag has to be in. Argo CD cannot resolve one "
    "that does not exist, and the Application is no longer updated. The check uses the branches and tags of this "
    "clone, so a revision that has not been pushed is reported too. It is skipped in a shallow clone, a clone of a "
    "single branch and a partial checkout of a CI job.",
    bad="# git: trunk\n" + _application("path: apps/shop") + "# file: apps/shop/service.yaml\n" + SERVICE,
    good=_application("path: apps/shop") + "# file: apps/shop/service.yaml\n" + SERVICE,
)
def revision_unknown(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find revisions that are no branch, tag or commit of this repository."""
    for source in resolve(application, view):
        revision = str(source.spec.get("targetRevision") or "HEAD")
        if source.folder is None or revision == "HEAD" or _COMMIT.fullmatch(revision) or "{{" in revision:
            continue
        if (branch := application.pull_request.get("branch")) and (branch in revision or revision.startswith("refs/")):
            continue
        prefix = text(source.spec.get("tagPrefix"))
        named = prefix + revision if prefix and _VERSION.fullmatch(revision) else revision
        short = re.sub(r"^refs/(heads|tags)/", "", named)
        # Of the refs that hosts keep beside branches and tags, such as those of pull requests, a clone has none.
        is_unseen = short.startswith("refs/")
        if short in view.revisions or is_unseen or not (view.revisions and view.has_every_branch()):
            continue
        at, admit = application.at(*source.at, "targetRevision"), ranges.parse(revision)
        if admit is None:
            hint = f"There is {', '.join(sorted(view.revisions)[:5])}. Push the branch, or correct its name."
            yield Problem(f"This repository has no branch or tag “{named}”.", at, hint, cause=named)
        elif not admit(each.removeprefix(prefix) for each in view.revisions if each.startswith(prefix)):
            of = f" that begins with {prefix}" if prefix else ""
            message = f"This repository has no tag{of} in the range “{named}”."
            yield Problem(message, at, "Push a tag that fits, such as v1.2.3, or name a branch.", cause=prefix + named)


@rule(
    "source-overridden",
    Severity.WARNING,
    Scope.APPLICATION,
    "A file in the source's folder overrides the Application.",
    explanation="Argo CD merges `.argocd-source.yaml` and `.argocd-source-<application>.yaml` from the source's "
    "folder into the source. The deployed manifests then differ from those that the Application describes and argosy "
    "renders.",
    bad=_application("path: apps/shop")
    + "# file: apps/shop/service.yaml\n"
    + SERVICE
    + "# file: apps/shop/.argocd-source.yaml\nkustomize:\n  namePrefix: x-\n",
    good=_application("path: apps/shop") + "# file: apps/shop/service.yaml\n" + SERVICE,
)
def source_overridden(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find override files beside a source."""
    for source in resolve(application, view):
        for name in (".argocd-source.yaml", f".argocd-source-{application.name}.yaml"):
            if source.folder is not None and holds((source.folder / name).is_file):
                path = (source.folder / name).relative_to(view.root).as_posix()
                yield Problem(
                    f"{path} overrides this source.",
                    application.at(*source.at),
                    "Move its settings to the Application, and remove the file.",
                )


def did_you_mean_path(root: Path, path: str) -> str:
    """Return “Did you mean …?” where a folder or file of the repository is likely meant."""
    wanted = [part for part in path.split("/") if part not in {"", ".", ".."}]
    here = root
    for index, part in enumerate(wanted):
        if holds((here / part).exists):
            here /= part
            continue
        names = [entry.name for entry in entries(here)]
        if near := nearest(part, names):
            found = here.joinpath(near, *wanted[index + 1 :])
            return f"Did you mean “{found.relative_to(root).as_posix()}”?" if holds(found.exists) else ""
        break
    if here == root and wanted:
        matches = [each.joinpath(*wanted) for each in entries(root) if each.name != ".git"]
        found = next((each for each in matches if holds(each.exists)), root)
        return f"Did you mean “{found.relative_to(root).as_posix()}”?" if found != root else ""
    return ""


_FOLLOWS_PROD = (
    CONFIG_MAP
    + APPLICATION
    + DESTINATION
    + f"  source: {{repoURL: {REPOSITORY}, targetRevision: prod, path: apps/my-app}}\n"
)


@rule(
    "branch-lacks-path",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application tracks a branch that does not contain its path.",
    explanation="Argo CD reads the Application from the default branch, but its path and value files from the branch "
    "in `targetRevision`. If they are missing there, the Application shows a ComparisonError. If another tool renders "
    "the folder there, such as plain manifests instead of a kustomization, something else is deployed. Only branches "
    "in this clone are checked, not tags or other branches.",
    bad="# git: main\n# branch: prod without apps\n" + _FOLLOWS_PROD,
    good="# git: main\n# branch: prod\n" + _FOLLOWS_PROD,
)
def branch_lacks_path(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find what Applications read on other branches, and these do not have."""
    for read, path in view.lacking.get(key(application), ()):
        missing = path in read.wanted
        if missing and path == read.wanted[0] and not holds((view.root / path).exists):
            continue  # It is nowhere, which the rule path-missing says.
        yield Problem(
            f"The branch “{read.revision}” does not have {path}."
            if missing
            else f"The branch “{read.revision}” has {path}, so it is rendered with another tool there.",
            application.at(*read.at),
            f"Bring it to {read.revision}, and push that before the Application. With --commit or --pull-request, "
            "argosy's commands change both. If it is there already, fetch it: "
            + branches.fetching(view.root, read.revision),
            cause=f"{read.revision} {path}",
        )


_ON_PROD = (
    CONFIG_MAP
    + APPLICATION
    + DESTINATION
    + f"  source: {{repoURL: {REPOSITORY}, targetRevision: prod, path: apps/my-app}}\n"
    + "# file: notes/README.md\nAsk Ada.\n"
    + f"# file: .copier-answers.yml\nrepository_name: gitops\nrepo_url: {REPOSITORY}\nbranch: main\n"
    + "# file: environments/prod/environment.yaml\nrevision: prod\nautoSync: true\npromotesFrom: ''\n"
    + "destination: {server: https://kubernetes.default.svc}\n"
)


@rule(
    "branch-drops-path",
    Severity.ERROR,
    Scope.REPOSITORY,
    "An environment's branch lacks a path that an Application on the default branch reads from it.",
    explanation="Argo CD reads the Application from the default branch, and its path and value files from here. Once "
    "this branch is pushed, the Application shows a ComparisonError, or renders something else. What an Application "
    "reads goes after the Application, and comes before it. The default branch is compared as far as this clone knows "
    "it.",
    bad="# git: prod\n# branch: main\n# gone: apps\n" + _ON_PROD,
    good="# git: prod\n# branch: main\n# gone: notes\n" + _ON_PROD,
)
def branch_drops_path(view: View) -> Iterator[Problem]:
    """Find what Applications on the default branch read from an environment's branch, where that is looked at."""
    settings = {text(field(each.data, "revision")): each for each in view.environments.values()}
    for each in view.dropped():
        wrong = f"{each.path} is not here" if each.is_missing else f"{each.path} is here, so another tool renders it"
        yield Problem(
            f"{each.application} on “{each.default}” reads “{each.branch}”, and {wrong}.",
            ("revision",),
            f"Push this once Argo CD has synced {each.default} without that Application, or with one that reads "
            f"something else. If it is so already, fetch it: {branches.fetching(view.root, each.default)}",
            settings.get(each.branch),
            cause=f"{each.branch} {each.path}",
        )
