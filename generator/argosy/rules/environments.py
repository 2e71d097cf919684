"""Rules of argosy's environments: what they promote from, and the folders of their applications."""

from __future__ import annotations

from collections.abc import Iterator

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
    "An environment takes its releases from one that does not exist, or from itself.",
    explanation="`promotesFrom` in environment.yaml chains the environments, from the first to production. A name "
    "that is no folder of `environments/`, or a chain that is a circle, leaves promotion without an order.",
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
                f"The environment “{source}”, which {name} takes its releases from, does not exist.",
                ("promotesFrom",),
                f"The environments are {known}.",
                document,
            )
        seen = [name]
        while sources.get(seen[-1], "") in sources and sources[seen[-1]] not in seen:
            seen.append(sources[seen[-1]])
        if sources[seen[-1]] == name:
            yield Problem(
                f"The environments promote in a circle: {' ← '.join((*seen, name))}.",
                ("promotesFrom",),
                'Let the first environment have promotesFrom: "".',
                document,
            )


@rule(
    "application-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "An environment has a folder for an application that does not exist.",
    explanation="In argosy's layout a folder `environments/<environment>/<application>` deploys the application of "
    "that name, whose settings are in `applications/<application>/application.yaml`. Without them nobody knows how to "
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
            settings = view.root / layout.application_settings(folder.name)
            if not view.wanted(f"{layout.deployment(name, folder.name)}/"):
                continue
            if holds(folder.is_dir) and not folder.name.startswith(".") and not holds(settings.is_file):
                yield Problem(
                    f"{layout.deployment(name, folder.name)} would deploy the application “{folder.name}”, and there "
                    f"is no "
                    f"{layout.application_settings(folder.name)}.",
                    hint=did_you_mean_path(view.root, f"{layout.APPLICATIONS}/{folder.name}")
                    or "Add the application's settings, or remove the folder.",
                    document=document,
                )


@rule(
    "folder-not-deployed",
    Severity.WARNING,
    Scope.REPOSITORY,
    "No Application deploys an application's folder in an environment.",
    explanation="In argosy's layout a folder `environments/<environment>/<application>` means that the application "
    "runs there. Here no Application, and no ApplicationSet, reads it: what is in it deploys nothing.",
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
    read = {
        path.resolve()
        for application in view.applications
        for source in resolve(application, view)
        for path in (source.folder, *(file.parent for file in source.value_files))
        if path is not None
    }
    for name, document in view.environments.items():
        for folder in entries(view.root / layout.ENVIRONMENTS / name):
            known = view.wanted(f"{layout.deployment(name, folder.name)}/") and holds(
                (view.root / layout.application_settings(folder.name)).is_file
            )
            if holds(folder.is_dir) and known and folder.resolve() not in read:
                yield Problem(
                    f"No Application reads {layout.deployment(name, folder.name)}: {folder.name} does not run in "
                    f"{name}.",
                    hint=f"Add {layout.argocd_application(name, folder.name)}, or remove the folder.",
                    document=document,
                )
