"""Rules of Applications that follow other branches than the one that they are written on."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.argocd.view import ArgoApplication, View, key
from argosy.findings import Problem, Severity
from argosy.rules.examples import APPLICATION, CONFIG_MAP, DESTINATION, REPOSITORY
from argosy.rules.registry import Scope, rule

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
    "An Application follows a branch that does not have what it deploys.",
    explanation="Argo CD reads the Application from the default branch, and its path and value files from the branch "
    "in `targetRevision`. What is here, and not there, leaves it with a ComparisonError; a folder that another tool "
    "renders there, such as manifests instead of a kustomization, deploys something else. The check reads the branches "
    "that the clone knows; of others, and of tags, nothing is said.",
    bad="# git: main\n# branch: prod without apps\n" + _FOLLOWS_PROD,
    good="# git: main\n# branch: prod\n" + _FOLLOWS_PROD,
)
def branch_lacks_path(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find what Applications read on other branches, and these do not have."""
    for read, path in view.lacking.get(key(application), ()):
        missing = path in read.wanted
        yield Problem(
            f"The branch “{read.revision}” does not have {path}."
            if missing
            else f"The branch “{read.revision}” has {path}: it is rendered in another way there.",
            application.at(*read.at),
            f"Bring it there first (git switch {read.revision}), and then the Application to the branch that Argo CD "
            "reads it from; if it is there already, fetch it: git fetch.",
        )
