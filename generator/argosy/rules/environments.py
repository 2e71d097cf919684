"""Rules of argosy's environments: what they promote from, and the folders of their applications."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from argosy import git
from argosy.argocd.sources import resolve
from argosy.argocd.view import View
from argosy.findings import Problem, Severity
from argosy.paths import entries, holds
from argosy.repository import layout
from argosy.rules.examples import APPLICATION, DESTINATION, REPOSITORY, SERVICE
from argosy.rules.references import did_you_mean_path
from argosy.rules.registry import Scope, rule

_ENVIRONMENT = """\
destination:
  server: https://kubernetes.default.svc
revision: main
autoSync: true
promotesFrom: "{source}"
replicas: 1
"""


@rule(
    "promotes-from-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "An environment promotes from one that does not exist, or from itself.",
    explanation="`promotesFrom` in environment.yaml orders the environments, from the first to production. If it "
    "names an environment without a folder in `environments/`, or the environments form a cycle, there is no order.",
    bad="# file: environments/dev/environment.yaml\n"
    + _ENVIRONMENT.format(source="")
    + "# file: environments/prod/environment.yaml\n"
    + _ENVIRONMENT.format(source="stagin"),
    good="# file: environments/dev/environment.yaml\n"
    + _ENVIRONMENT.format(source="")
    + "# file: environments/prod/environment.yaml\n"
    + _ENVIRONMENT.format(source="dev"),
)
def promotes_from_unknown(view: View) -> Iterator[Problem]:
    """Find environments that break the chain of promotion."""
    sources = {
        name: str(document.data.get("promotesFrom") or "")
        for name, document in view.environments.items()
        if isinstance(document.data, dict)
    }
    for name, source in sources.items():
        document = view.environments[name]
        if source and source not in sources:
            known = ", ".join(sorted(sources))
            yield Problem(
                f"{name} promotes from the environment “{source}”, which does not exist.",
                ("promotesFrom",),
                f"The environments are {known}.",
                document,
            )
        seen = [name]
        while sources.get(seen[-1], "") in sources and sources[seen[-1]] not in seen:
            seen.append(sources[seen[-1]])
        if sources[seen[-1]] == name:
            yield Problem(
                f"The environments form a cycle: {' ← '.join((*seen, name))}.",
                ("promotesFrom",),
                'Set promotesFrom: "" in the first environment.',
                document,
            )


@rule(
    "application-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "An environment has a folder for an application that does not exist.",
    explanation="A folder `environments/<environment>/<application>` deploys the application of that name. Its "
    "settings are in `applications/<application>/application.yaml`; without that file argosy does not know how to "
    "render it.",
    bad="# file: environments/dev/environment.yaml\n"
    + _ENVIRONMENT.format(source="")
    + "# file: environments/dev/shpo/values.yaml\n{}\n# file: applications/shop/application.yaml\nformat: helm\n",
    good="# file: environments/dev/environment.yaml\n"
    + _ENVIRONMENT.format(source="")
    + "# file: environments/dev/shop/values.yaml\n{}\n# file: applications/shop/application.yaml\nformat: helm\n",
)
def application_unknown(view: View) -> Iterator[Problem]:
    """Find folders of environments that no application stands behind."""
    for name, document in view.environments.items():
        for folder in entries(view.root / layout.ENVIRONMENTS / name):
            if folder.name == layout.IN_CLUSTERS and _is_of_clusters(view):
                continue
            settings = view.root / layout.application_settings(folder.name)
            if not view.wanted(f"{layout.deployment(name, folder.name)}/"):
                continue
            is_known = folder.name.startswith(".") or holds(settings.is_file)
            if not is_known and holds(folder.is_dir) and git.keeps(view.root, folder):
                yield Problem(
                    f"{layout.deployment(name, folder.name)} would deploy the application “{folder.name}”, and there "
                    f"is no "
                    f"{layout.application_settings(folder.name)}.",
                    hint=did_you_mean_path(view.root, f"{layout.APPLICATIONS}/{folder.name}")
                    or "Add the application's settings, or remove the folder.",
                    document=document,
                )


def _is_of_clusters(view: View) -> bool:
    """Return whether a folder `clusters` holds what applications have of their own there, and is no application's."""
    return not holds((view.root / layout.application_settings(layout.IN_CLUSTERS)).is_file)


@rule(
    "folder-not-deployed",
    Severity.WARNING,
    Scope.REPOSITORY,
    "No Application deploys an application's folder.",
    explanation="A folder `environments/<environment>/<application>` means that the application runs in the "
    "environment, but no Application or ApplicationSet reads it. Its contents are not deployed.",
    bad="# file: environments/dev/environment.yaml\n"
    + _ENVIRONMENT.format(source="")
    + "# file: environments/dev/shop/service.yaml\n"
    + SERVICE
    + "# file: applications/shop/application.yaml\nformat: manifests\n",
    good="# file: environments/dev/environment.yaml\n"
    + _ENVIRONMENT.format(source="")
    + "# file: environments/dev/shop/service.yaml\n"
    + SERVICE
    + "# file: applications/shop/application.yaml\nformat: manifests\n"
    + APPLICATION
    + DESTINATION
    + f"  source: {{repoURL: {REPOSITORY}, targetRevision: main, path: environments/dev/shop}}\n",
)
def folder_not_deployed(view: View) -> Iterator[Problem]:
    """Find folders of environments that no Application reads."""
    named = {
        path
        for application in view.applications
        for source in resolve(application, view)
        for path in (source.folder, *(file.parent for file in source.value_files))
        if path is not None
    }
    read: set[Path] = set()
    for name, document in view.environments.items():
        places = [layout.environment(name)]
        if _is_of_clusters(view):
            there = entries(view.root / layout.ENVIRONMENTS / name / layout.IN_CLUSTERS)
            places += [layout.cluster_deployments(name, each.name) for each in there]
        for place in places:
            for folder in entries(view.root / place):
                path = f"{place}/{folder.name}"
                known = view.wanted(f"{path}/") and holds(
                    (view.root / layout.application_settings(folder.name)).is_file
                )
                if folder in named or not (holds(folder.is_dir) and known):
                    continue
                # Links lead to what is deployed, too.
                read = read or {path.resolve() for path in named}
                if folder.resolve() not in read and git.keeps(view.root, folder):
                    yield Problem(
                        f"No Application uses {path}: {folder.name} is not deployed to {name}."
                        if place is places[0]
                        else f"No Application uses {path}: nothing of it is in that cluster.",
                        hint=f"Add {layout.argocd_application(name, folder.name)}, or remove the folder."
                        if place is places[0]
                        else "If the cluster is one of the environment's, argosy apply has charts and overlays use it. "
                        "Else remove it.",
                        document=document,
                    )
