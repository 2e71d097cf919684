"""Rules of admission: what the policies of a cluster say of what is deployed to it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from argosy import supervisor
from argosy.argocd.matching import applied, cluster, is_cluster_scoped, namespace_of
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document
from argosy.documents.fields import field as value_at
from argosy.documents.fields import group_and_kind, text
from argosy.findings import Problem, Severity
from argosy.kubernetes import admission, scopes
from argosy.kubernetes.admission import Admission, Refusal, Resource, Unknown
from argosy.rules.examples import REPLICATED
from argosy.rules.registry import Scope, rule

_POLICY = """
# file: policy.yaml
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: replicas
spec:
  matchConstraints:
    resourceRules:
      - apiGroups: [apps]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [deployments]
  validations:
    - expression: object.spec.replicas <= 5
      message: no more than five replicas
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: replicas
spec:
  policyName: replicas
  validationActions: [Deny]
"""


@rule(
    "admission-policy",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A manifest that a ValidatingAdmissionPolicy of its cluster refuses.",
    explanation="The API server asks each policy that a binding puts in force about each new object, and refuses it "
    "where an expression does not hold; a binding that only warns or notes it in the audit log is a warning here. "
    "Judged are the policies that are deployed to the same cluster, with the bindings, parameters and labels of "
    "namespaces in the repository. What needs more, such as who asks (`request.userInfo`, `authorizer`), is not "
    "judged: the policy is skipped then, with the reason.",
    bad=_POLICY + REPLICATED.replace("REPLICAS", "9"),
    good=_POLICY + REPLICATED.replace("REPLICAS", "3"),
)
def refused(repository: View) -> Iterator[Problem]:
    """Find what the policies refuse."""
    for resource, refusal in _judged(repository)[0]:
        policy = refusal.policy
        name = text(value_at(policy.data, "metadata", "name"))
        does = "refuses" if refusal.is_denied else "warns of"
        kind, own = (
            group_and_kind(resource.document.data)[1],
            text(value_at(resource.document.data, "metadata", "name")),
        )
        yield Problem(
            f"The ValidatingAdmissionPolicy {name} {does} {kind} {own}: {refusal.message}".rstrip(".") + ".",
            ("metadata", "name"),
            f"The policy is in {policy.path}.",
            resource.document,
            severity=Severity.ERROR if refusal.is_denied else Severity.WARNING,
        )


def not_judged(repository: View) -> Sequence[tuple[Document, str]]:
    """Return the policies that say nothing of some manifest here, with the reason."""
    return [(each.policy, f"it is not judged on some manifests: {each.reason}") for each in _judged(repository)[1]]


@lru_cache(maxsize=1)  # One validation looks at one View.
def _judged(repository: View) -> tuple[Sequence[tuple[Resource, Refusal]], Sequence[Unknown]]:
    refusals: dict[tuple[int, Refusal], tuple[Resource, Refusal]] = {}
    unknown: dict[int, Unknown] = {}
    deadline = time.monotonic() + supervisor.limits().seconds
    for found_in in clusters(repository):
        resources = [*dict.fromkeys(each.resource for each in found_in)]
        if not any(group_and_kind(each.document.data)[0] == admission.GROUP for each in resources):
            continue
        policies = Admission(resources, deadline)
        for resource in resources:
            for found in policies.judge(resource):
                if isinstance(found, Refusal):
                    refusals.setdefault((id(resource.document), found), (resource, found))
                else:
                    unknown.setdefault(id(found.policy), found)
    return [*refusals.values()], [*unknown.values()]


@dataclass(frozen=True, slots=True, eq=False)
class Deployed:
    """A resource, with the Application that deploys it, None where there is none."""

    resource: Resource
    application: ArgoApplication | None


@lru_cache(maxsize=1)
def clusters(repository: View) -> Sequence[Sequence[Deployed]]:
    """Return what is deployed to each cluster; what no Application deploys, where there is none, is one's."""
    found: dict[str, list[Deployed]] = defaultdict(list)
    plurals = defined_plurals(repository)
    apart = {each.document.path for each in repository.policies}

    def add(where: str, document: Document, namespace: str, application: ArgoApplication | None = None) -> None:
        group, kind = group_and_kind(document.data)
        own = text(value_at(document.data, "metadata", "namespace")) or namespace
        is_of_cluster = is_cluster_scoped(document.data, repository)
        plural = plurals.get((group, kind)) or scopes.plural(kind)
        found[where].append(Deployed(Resource(document, "" if is_of_cluster else own, plural), application))

    for application in repository.applications:
        server, name = cluster(application, repository)
        for document in applied(application, repository):
            add(server or name or "", document, namespace_of(application), application)
    for document in repository.documents if not repository.applications else ():
        if document.path not in apart:
            add("", document, "default")
    return [*found.values()]


def defined_plurals(repository: View) -> dict[tuple[str, str], str]:
    """Return what the API calls the kinds, by their groups, that the repository defines."""
    found = {}
    for documents in (repository.documents, *repository.rendered.values()):
        for document in documents:
            if group_and_kind(document.data) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
                spec = value_at(document.data, "spec")
                key = text(value_at(spec, "group")), text(value_at(spec, "names", "kind"))
                found[key] = text(value_at(spec, "names", "plural"))
    return found
