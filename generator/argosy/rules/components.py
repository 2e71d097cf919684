"""Rules of components: those of a cluster, and those of the repository's own catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.argocd.matching import cluster
from argosy.argocd.view import ArgoApplication, View
from argosy.findings import Problem, Severity
from argosy.repository import layout
from argosy.rules.registry import Scope, declare, rule

_CATALOGUE = """\
# file: catalogue/descheduler/component.yaml
summary: Evicts pods that would be placed elsewhere today.
chart: {repository: 'https://kubernetes-sigs.github.io/descheduler', name: descheduler, version: 0.34.0}
namespace: kube-system
wave: -30
# file: catalogue/descheduler/values.yaml
"""
CATALOGUE_ENTRY = declare(
    "catalogue-entry",
    Severity.ERROR,
    "A component of the repository's own catalogue is invalid.",
    explanation="Files of a component are Jinja templates with the delimiters [[ ]], [% %] and [# #] and the "
    "variables `environment` and `repository`. The folder's name is the component's name, and the components that it "
    "needs must be in the catalogue too.",
    bad=_CATALOGUE + "replicas: [[ 2 if enviroment.production else 1 ]]\n",
    good=_CATALOGUE + "replicas: [[ 2 if environment.production else 1 ]]\n",
)

_COMPONENT = """\
# file: argocd/{environment}/components/reloader.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: reloader-{environment}, namespace: argocd}}
spec:
  project: default
  source: {{repoURL: 'https://stakater.github.io/stakater-charts', chart: reloader, targetRevision: 2.2.16}}
  destination: {{server: '{cluster}', namespace: reloader}}
"""
_DEV = _COMPONENT.format(environment="dev", cluster="https://kubernetes.default.svc")


@rule(
    "component-twice",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A component is installed twice in one cluster.",
    explanation="Both Applications deploy the same cluster-scoped resources, and each sync takes them from the "
    "other. Environments that share a cluster share its components: install each in one of them.",
    bad=_DEV + _COMPONENT.format(environment="prod", cluster="https://kubernetes.default.svc"),
    good=_DEV + _COMPONENT.format(environment="prod", cluster="https://prod.example.com"),
)
def component_twice(repository: View) -> Iterator[Problem]:
    """Find Applications of one component that go to one cluster."""
    seen: dict[tuple[str, object], ArgoApplication] = {}
    for application in repository.applications:
        path = application.document.path
        component, environment = layout.component_of(path), layout.environment_of(path)
        # Beside each may be one of its custom resources.
        of_several = application.name.startswith(f"{component}-{environment}-")
        if not component or not (application.name == f"{component}-{environment}" or of_several):
            continue
        first = seen.setdefault((component, cluster(application, repository)), application)
        if first is not application:
            yield Problem(
                f"{component} is installed in this cluster already, by {first.document.path}.",
                application.at("spec", "destination"),
                f"Remove one of the two: argosy remove component {component} --env {environment}",
                application.document,
            )
