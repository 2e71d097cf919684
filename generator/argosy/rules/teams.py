"""Rules of teams with AppProjects of their own: whose an application is, and who reaches its namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from argosy.argocd.matching import cluster, glob_matches, namespace_of
from argosy.argocd.projects import destination_permitted, project_name
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document
from argosy.documents.fields import field, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean
from argosy.repository import layout
from argosy.repository.model import project_name as name_of_project
from argosy.rules.registry import Scope, rule

_BY_TEAM = """\
# file: .copier-answers.yml
tenancy: team
# file: teams/payments/team.yaml
ssoGroup: payments
quotas: {}
# file: environments/dev/environment.yaml
destination: {server: https://kubernetes.default.svc}
revision: main
autoSync: true
promotesFrom: ""
"""
_OWNED = """\
# file: applications/web/application.yaml
format: manifests
team: payments
# file: environments/dev/web/config-map.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: hello}
"""
_DEPLOYED = """\
# file: argocd/dev/web.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web-dev
  namespace: argocd
  labels: {app.kubernetes.io/name: web, environment: dev}
spec:
  project: PROJECT
  source: {repoURL: https://git.example.com/team/gitops.git, targetRevision: main, path: environments/dev/web}
  destination: {server: https://kubernetes.default.svc, namespace: web-dev}
"""
_PROJECT = """\
# file: PATH
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: NAME, namespace: argocd}
spec:
  sourceRepos: [https://git.example.com/team/gitops.git]
  destinations: [{server: https://kubernetes.default.svc, namespace: 'NAMESPACE'}]
  namespaceResourceWhitelist: [{group: '', kind: ConfigMap}]
"""


def _project(path: str, name: str, namespace: str) -> str:
    return _PROJECT.replace("PATH", path).replace("NAMESPACE", namespace).replace("NAME", name)


_OWN = _project("argocd/dev/teams/payments.yaml", "dev-payments", "web-dev")
_REST = _DEPLOYED.replace("PROJECT", "dev-payments") + _OWN


@rule(
    "team-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "An application belongs to a team that does not exist.",
    explanation="With `tenancy: team`, each team has an AppProject in every environment, and its applications belong "
    "to these. A team is a folder in `teams/`; the Applications of one that is not there would name an AppProject that "
    "does not exist, and Argo CD would not sync them.",
    bad=_BY_TEAM + _OWNED.replace("team: payments", "team: paymnts"),
    good=_BY_TEAM + _OWNED + _REST,
)
def team_unknown(view: View) -> Iterator[Problem]:
    """Find applications whose team is none of those with AppProjects."""
    for name, document in view.application_settings.items():
        team = text(field(document.data, "team"))
        if view.teams is not None and team and team not in view.teams:
            hint = f"{did_you_mean(team, view.teams)} argosy add team {team} adds it."
            yield Problem(
                f"{name} belongs to the team “{team}”, which does not exist.", ("team",), hint.strip(), document
            )


@rule(
    "team-project-foreign",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application has the AppProject of another team.",
    explanation="With `tenancy: team`, an Application has the AppProject of its application's team in its environment, "
    "or the environment's own where no team owns it. In another one it can do what that team may do there, and that "
    "team may sync it.",
    bad=_BY_TEAM + _OWNED + _DEPLOYED.replace("PROJECT", "dev") + _project("argocd/dev/project.yaml", "dev", "web-dev"),
    good=_BY_TEAM + _OWNED + _REST,
)
def team_project_foreign(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find Applications whose AppProject is not that of their team."""
    settings = view.application_settings.get(application.application)
    if view.teams is None or settings is None or application.environment not in view.environments:
        return
    team = text(field(settings.data, "team"))
    wanted = name_of_project(application.environment, team)
    if (not team or team in view.teams) and project_name(application) != wanted:
        whose = f"belongs to the team {team}" if team else "belongs to no team"
        yield Problem(
            f"{application.application} {whose}, and has the AppProject “{project_name(application)}” in "
            f"{application.environment}.",
            application.at("spec", "project"),
            f"Write {wanted}, or have argosy apply do it. {layout.application_settings(application.application)} says "
            "whose it is.",
        )


@rule(
    "team-namespace-foreign",
    Severity.ERROR,
    Scope.REPOSITORY,
    "The AppProject of a team permits a namespace of another team.",
    explanation="With `tenancy: team`, an AppProject lists the namespaces of its team's applications and no others. "
    "With a pattern that matches another team's namespace, or where applications of two teams share one, either team "
    "can change and delete what the other runs. So can a team whose AppProject permits the kind Namespace without a "
    "`name`.",
    bad=_BY_TEAM
    + _OWNED
    + _REST
    + "# file: teams/search/team.yaml\nquotas: {}\n"
    + _project("argocd/dev/teams/search.yaml", "dev-search", "*-dev"),
    good=_BY_TEAM
    + _OWNED
    + _REST
    + "# file: teams/search/team.yaml\nquotas: {}\n"
    + _project("argocd/dev/teams/search.yaml", "dev-search", "search-dev"),
)
def team_namespace_foreign(view: View) -> Iterator[Problem]:
    """Find namespaces that the projects of two teams permit."""
    if view.teams is None:
        return
    deployed: dict[str, list[tuple[str, ArgoApplication]]] = {}
    for application in view.applications:
        if settings := view.application_settings.get(application.application):
            team = text(field(settings.data, "team"))
            deployed.setdefault(namespace_of(application), []).append((team, application))
    for project, document in view.projects.items():
        if layout.is_project(document.path):
            environment = layout.environment_of(document.path) or ""
            own = project.removeprefix(environment).removeprefix("-")
            yield from _shared(document, own, deployed, view)
            yield from _wide(document, own, deployed)


def _wide(document: Document, own: str, deployed: Mapping[str, list[tuple[str, ArgoApplication]]]) -> Iterator[Problem]:
    """Yield the entries of a team's project that permit to change another team's namespaces themselves."""
    for index, entry in enumerate(map(mapping, sequence(field(document.data, "spec", "clusterResourceWhitelist")))):
        group, kind, name = (text(entry.get(each)) for each in ("group", "kind", "name"))
        if not (glob_matches(group, "", "/") and glob_matches(kind, "Namespace", "/")):
            continue
        for place, applications in deployed.items():
            if glob_matches(name or "*", place, "") and all(team != own for team, _ in applications):
                project = text(field(document.data, "metadata", "name"))
                yield Problem(
                    f"The AppProject “{project}” permits changes of the namespace “{place}” itself, which "
                    f"{applications[0][1].name} deploys to.",
                    ("spec", "clusterResourceWhitelist", index),
                    f"Give it a name, that of a namespace of its own: argosy restore {document.path} writes them.",
                    document,
                )
                break


def _shared(
    document: Document, own: str, deployed: Mapping[str, list[tuple[str, ArgoApplication]]], view: View
) -> Iterator[Problem]:
    """Yield the destinations of a team's project that are another team's."""
    for index, entry in enumerate(sequence(field(document.data, "spec", "destinations"))):
        namespace = text(mapping(entry).get("namespace"))
        places = deployed if {*namespace} & {*"*?[{!"} else [namespace]
        for place in places:
            others = [(team, each) for team, each in deployed.get(place, ()) if team != own]
            for team, each in others:
                if destination_permitted([mapping(entry)], *cluster(each, view), place):
                    whose = f"the team {team}" if team else "no team"
                    yield Problem(
                        f"The AppProject “{text(field(document.data, 'metadata', 'name'))}” permits the namespace "
                        f"“{place}”, which {each.name} of {whose} deploys to.",
                        ("spec", "destinations", index),
                        f"List the namespaces of {own or 'what no team owns'} alone: argosy restore {document.path} "
                        "writes them. Applications of two teams cannot share a namespace.",
                        document,
                    )
                    break


@rule(
    "team-quota-unused",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A team has a quota that nothing applies.",
    explanation="`quotas` of team.yaml are of environments by their names, and go into the ResourceQuota and the "
    "LimitRange of the team's namespaces, which are there with `quotas=true`. Of an environment that does not exist, "
    "or without that setting, they have no effect.",
    bad=_BY_TEAM.replace("quotas: {}", "quotas: {prd: {pods: 50}}").replace(
        "tenancy: team", "tenancy: team\nquotas: true"
    ),
    good=_BY_TEAM.replace("quotas: {}", "quotas: {dev: {pods: 50}}").replace(
        "tenancy: team", "tenancy: team\nquotas: true"
    ),
)
def team_quota_unused(view: View) -> Iterator[Problem]:
    """Find quotas of teams for no environment, and those of a repository without any."""
    for name, document in (view.teams or {}).items():
        for place in mapping(field(document.data, "quotas")):
            if not view.quotas:
                hint = "Switch them on: argosy set repository quotas=true"
                yield Problem(f"{name} has a quota, and quotas are switched off.", ("quotas", place), hint, document)
            elif place not in view.environments:
                known = sorted(view.environments)
                hint = did_you_mean(place, known) or f"The environments are {', '.join(known) or 'none'}."
                message = f"{name} has a quota for the environment “{place}”, which does not exist."
                yield Problem(message, ("quotas", place), hint, document)
