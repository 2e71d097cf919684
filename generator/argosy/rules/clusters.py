"""Rules of the clusters that are declared in clusters.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.argocd.inventory import everything
from argosy.argocd.matching import IN_CLUSTER_NAME, cluster
from argosy.argocd.view import View
from argosy.documents.fields import JSON, field, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean
from argosy.repository import layout
from argosy.rules.registry import Scope, rule

_CLUSTERS = """\
# file: clusters.yaml
clusters:
  - name: eu1
    server: https://eu1.example.com
    labels: {region: eu}
"""
_SECOND = "  - name: us1\n    server: https://us1.example.com\n"
_ENVIRONMENT = """\
# file: environments/prod/environment.yaml
destination:
  name: {cluster}
revision: main
autoSync: true
promotesFrom: ""
replicas: 1
"""


@rule(
    "cluster-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "An environment or an Application names a cluster that is not declared.",
    explanation="Where a repository has a `clusters.yaml`, that is where its clusters are declared, by "
    "`argosy add cluster`; elsewhere `clusters` in `.argosy.yaml` may declare them. Argo CD deploys nothing to a "
    "cluster that it does not know by the name. Servers are not judged: `https://kubernetes.default.svc` is the "
    "cluster that Argo CD runs in.",
    bad=_CLUSTERS + _ENVIRONMENT.format(cluster="eu2"),
    good=_CLUSTERS + _ENVIRONMENT.format(cluster="eu1"),
)
def cluster_unknown(view: View) -> Iterator[Problem]:
    """Find names of clusters that clusters.yaml does not have."""
    known = {each.name: each for each in view.clusters.listed if each.name}
    if not known:
        return
    told: set[str] = set()
    for environment, document in view.environments.items():
        for at, name in _named(document.data):
            told.add(name)
            if name not in known and name != IN_CLUSTER_NAME:
                message = f"{environment} is in the cluster “{name}”, {_unknown(view)}."
                yield Problem(message, at, _hint(name, view), document)
    for application in view.applications:
        name = text(field(application.spec, "destination", "name"))
        if name and name not in told and name not in known and name != IN_CLUSTER_NAME:
            told.add(name)
            message = f"The Application {application.name} goes to the cluster “{name}”, {_unknown(view)}."
            at = application.at("spec", "destination", "name")
            yield Problem(message, at, _hint(name, view), application.document)


def _unknown(view: View) -> str:
    return f"which {view.clusters.listed[0].document.path} does not declare"


def _hint(name: str, view: View) -> str:
    where = view.clusters.listed[0].document.path
    declare = f"argosy add cluster {name} --server URL" if where == layout.CLUSTERS else f"add it to {where}."
    known = [each.name for each in view.clusters.listed if each.name]
    return did_you_mean(name, known) or f"Declare it: {declare}"


def _named(data: JSON) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the names of an environment's clusters, each with its place."""
    if name := text(field(data, "destination", "name")):
        yield ("destination", "name"), name
    for index, each in enumerate(sequence(field(data, "clusters"))):
        yield ("clusters", index), text(each)


@rule(
    "cluster-unused",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A cluster is declared, and nothing is deployed to it.",
    explanation="No environment names the cluster, and no Application goes to it. Either its environment is still to "
    "come, or the cluster is gone, and so should be what Argo CD logs in to it with.",
    bad=_CLUSTERS + _SECOND + _ENVIRONMENT.format(cluster="eu1"),
    good=_CLUSTERS + _ENVIRONMENT.format(cluster="eu1"),
)
def cluster_unused(view: View) -> Iterator[Problem]:
    """Find clusters of clusters.yaml that nothing goes to."""
    if view.wanted is not everything or view.unlisted:
        return
    places = [cluster(each, view) for each in view.applications]
    used = {*(place for pair in places for place in pair)}
    for document in view.environments.values():
        used |= {name for _, name in _named(document.data)} | {text(field(document.data, "destination", "server"))}
    for each in view.clusters.listed:
        if not used & {each.name, each.server}:
            is_own = each.document.path == layout.CLUSTERS
            hint = f"argosy remove cluster {each.name}" if is_own else ""
            yield Problem(f"Nothing is deployed to the cluster {each.name}.", each.at, hint, each.document)


@rule(
    "cluster-twice",
    Severity.ERROR,
    Scope.REPOSITORY,
    "Two declared clusters have one name or one server.",
    explanation="Argo CD finds a cluster by its server, and by its name. Of two with one server it takes either; where "
    "two have one name, it deploys to neither.",
    bad=_CLUSTERS + _SECOND.replace("us1.", "eu1."),
    good=_CLUSTERS
    + _SECOND
    + _ENVIRONMENT.format(cluster="eu1")
    + _ENVIRONMENT.format(cluster="us1").replace("prod", "us"),
)
def cluster_twice(view: View) -> Iterator[Problem]:
    """Find clusters of clusters.yaml that are another one's twin."""
    seen: dict[str, str] = {}
    for each in view.clusters.listed:
        for key in ("name", "server"):
            value = text(mapping(field(each.document.data, *each.at)).get(key)).rstrip("/")
            if value in seen:
                message = f"{each.name} has the {key} {value}, as {seen[value]} has."
                yield Problem(message, (*each.at, key), "Remove one of the two.", each.document)
            elif value:
                seen[value] = str(each.name)
