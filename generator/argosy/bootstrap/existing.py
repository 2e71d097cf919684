"""An Argo CD that is there already, whoever installed it: where it runs, and whether it suits the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from argosy.bootstrap.finding import Finding, Level
from argosy.bootstrap.roots import Handover
from argosy.bootstrap.steps import Inspection
from argosy.documents.fields import field, sequence, text
from argosy.errors import ToolError
from argosy.kubernetes import manifests
from argosy.kubernetes.cluster import APPLICATION_SETS, APPLICATIONS, PROJECTS, Access, Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.names import joined
from argosy.repository import model
from argosy.repository.model import Repository

_PART, _COMPONENT = "app.kubernetes.io/part-of", "app.kubernetes.io/component"
"""Labels that Argo CD's manifests, its Helm chart and its operators give to its workloads alike."""
_CONTROLLER, _SERVER = "application-controller", "server"
_VERSION = re.compile(r"v?(\d{1,9}\.\d{1,9}\.\d{1,9})")
_INTEGRITY = (3, 5)
"""The first Argo CD that looks at an AppProject's `sourceIntegrity`."""


@dataclass(frozen=True, slots=True)
class ArgoCD:
    """An Argo CD in a cluster."""

    namespace: str
    version: str
    """Such as 3.6.1; "" where neither an image nor a label says it."""
    installer: str
    """Who installed it, and will undo what somebody else changes; "" where nothing says so."""
    account: str
    """The ServiceAccount that it deploys with into its own cluster."""
    server: str
    """The Deployment of its API server; "" where it has none."""

    def shown(self) -> str:
        """Return it as a sentence has it."""
        by = f", installed by {self.installer}" if self.installer else ""
        return f"Argo CD {self.version}".strip() + f" in the namespace {self.namespace}{by}"


def find(cluster: Cluster) -> list[ArgoCD]:
    """Return each Argo CD whose workloads run in the cluster, by namespace."""
    kinds = "deployments.apps,statefulsets.apps"
    listed = cluster.get(kinds, "--all-namespaces", "--selector", f"{_PART}=argocd")
    by_namespace: dict[str, dict[str, Manifest]] = {}
    for each in listed:
        component = text(field(each, "metadata", "labels", _COMPONENT))
        by_namespace.setdefault(manifests.reference(each).namespace, {})[component] = each
    return [_of(namespace, found) for namespace, found in sorted(by_namespace.items()) if _CONTROLLER in found]


def _of(namespace: str, workloads: Mapping[str, Manifest]) -> ArgoCD:
    controller = workloads[_CONTROLLER]
    server = workloads.get(_SERVER)
    return ArgoCD(
        namespace,
        _version(controller),
        _installer(controller),
        text(field(controller, "spec", "template", "spec", "serviceAccountName")) or "default",
        manifests.reference(server).name if server else "",
    )


def _version(controller: Manifest) -> str:
    containers = sequence(field(controller, "spec", "template", "spec", "containers"))
    tags = [text(field(each, "image")).partition("@")[0].rpartition("/")[2].partition(":")[2] for each in containers]
    # Where the image is named by its digest alone, Helm's chart still says the version in a label.
    said = (*tags, text(field(controller, "metadata", "labels", "app.kubernetes.io/version")))
    return next((found[1] for each in said if (found := _VERSION.match(each))), "")


def _installer(controller: Manifest) -> str:
    for owner in sequence(field(controller, "metadata", "ownerReferences")):
        if text(field(owner, "kind")) == "ArgoCD":
            return f"its operator, as the ArgoCD {text(field(owner, 'name'))} says"
    release = text(field(controller, "metadata", "annotations", "meta.helm.sh/release-name"))
    return f"Helm, as the release {release}" if release else ""


def beside(cluster: Cluster, there: Sequence[ArgoCD]) -> Iterator[Finding]:
    """Report the Argo CDs in other namespaces than the one that is to be installed."""
    for each in there:
        if each.namespace != cluster.namespace:
            yield Finding(
                Level.WARNING,
                f"There is {each.shown()} already, and the two would share its CustomResourceDefinitions.",
                f"To hand the repository over to that one: argosy set repository argocdNamespace={each.namespace} "
                "--commit, then argosy bootstrap --no-install.",
            )


def unsuited(
    seen: Inspection, handover: Handover, repository: Repository, there: Sequence[ArgoCD]
) -> Iterator[Finding]:
    """Report what an Argo CD that is there lacks, so that the repository can be handed over to it."""
    cluster = seen.cluster
    yield from _definitions(cluster, repository)
    own = next((each for each in there if each.namespace == handover.namespace), None)
    if own is not None:
        yield Finding(Level.OK, own.shown())
        yield from _versions(own, handover)
        yield from _deploys(cluster, own, handover)
    elif there:
        yield Finding(
            Level.ERROR,
            f"There is {joined([each.shown() for each in there])}, and the repository is for one in the namespace "
            f"{handover.namespace}.",
            f"argosy set repository argocdNamespace={there[0].namespace} --commit, and push it.",
        )
    else:
        yield Finding(
            Level.WARNING,
            "No Argo CD can be seen in the cluster. If a cloud runs it, it has to read Applications from the namespace "
            f"{handover.namespace}.",
            "argosy set repository argocdNamespace=… names another namespace.",
        )
    if repository.settings.production.self_managed:
        yield Finding(
            Level.ERROR,
            "With selfManaged=true, the repository's argocd/install would replace the installation that is there.",
            "argosy set repository selfManaged=false --commit, and push it.",
        )
    yield from _projects(seen, handover)


def _definitions(cluster: Cluster, repository: Repository) -> Iterator[Finding]:
    needed = [APPLICATIONS, PROJECTS]
    if repository.settings.argocd is model.ArgocdStyle.APPLICATIONSET:
        needed.append(APPLICATION_SETS)
    known = {f"{kind.plural}.{version.partition('/')[0]}" for (version, _), kind in cluster.kinds().items()}
    if missing := [each for each in needed if each not in known]:
        yield Finding(
            Level.ERROR,
            f"The cluster has no {joined(missing)}: there is no Argo CD, or a part of it.",
            "Install Argo CD first, or have argosy do it: argosy bootstrap without --no-install.",
        )


def _versions(own: ArgoCD, handover: Handover) -> Iterator[Finding]:
    signed = [each["metadata"]["name"] for each in handover.projects if field(each, "spec", "sourceIntegrity")]
    if not own.version:
        yield Finding(
            Level.WARNING, "Its image does not say which version of Argo CD it is.", "argocd version --server …"
        )
    elif signed and tuple(map(int, own.version.split(".")[:2])) < _INTEGRITY:
        yield Finding(
            Level.ERROR,
            f"Argo CD {own.version} does not know sourceIntegrity, so that the AppProjects {joined(signed)} would let "
            "unsigned commits pass.",
            f"Update it to {'.'.join(map(str, _INTEGRITY))} or newer, or have signatureKeys in these: "
            f"argosy set repository argocdPin=v{own.version}@COMMIT says that it is older.",
        )


def _deploys(cluster: Cluster, own: ArgoCD, handover: Handover) -> Iterator[Finding]:
    """Report where an Argo CD may not deploy into its own cluster, as one limited to some namespaces may not."""
    if not any(model.IN_CLUSTER in each.places for each in handover.environments):
        return
    user = f"system:serviceaccount:{own.namespace}:{own.account}"
    asked = [Access("create", "", "namespaces", ""), Access("patch", "apps", "deployments", "")]
    try:
        permitted = cluster.permitted(asked, user)
    except ToolError as error:
        yield Finding(Level.WARNING, f"What Argo CD may deploy could not be checked. {error.message}", error.hint)
        return
    if refused := [f"{each.verb} {each.resource}" for each, is_permitted in permitted.items() if not is_permitted]:
        yield Finding(
            Level.WARNING,
            f"Argo CD's ServiceAccount {own.account} may not {joined(refused)} in every namespace, so it deploys to "
            "those alone that it is given.",
            "Have whoever installed it give it these, or make the namespaces beforehand. An operator reads the label "
            f"argocd.argoproj.io/managed-by={own.namespace} of a namespace.",
        )


def _projects(seen: Inspection, handover: Handover) -> Iterator[Finding]:
    """Report AppProjects of the same names that are another repository's."""
    url = handover.sources[0][0]
    there = seen.present(handover.projects)
    for wanted in handover.projects:
        found = there.get(manifests.reference(wanted))
        sources = [text(each) for each in sequence(field(found, "spec", "sourceRepos"))] if found else []
        if found and sources and url not in sources:
            yield Finding(
                Level.ERROR,
                f"There is an AppProject {wanted['metadata']['name']} already, for {joined(sources, 3)}.",
                "This would replace it. Rename the environment (argosy rename env), or delete the other project first.",
            )
