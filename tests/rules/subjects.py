"""What rules are called with: Applications, documents and repositories, made of a few lines."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document
from argosy.findings import Problem, Report
from argosy.rules import application as application_rules
from argosy.rules import applicationset, folders, resources, sources, sync
from argosy.rules import project as project_rules
from argosy.rules.registry import RULES
from argosy.schemas.store import without_nulls

REPOSITORY = "https://git.example.com/team/gitops.git"
IN_CLUSTER = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
GIT = {"repoURL": REPOSITORY, "path": "apps/shop", "targetRevision": "main"}
CHART = {"repoURL": "https://charts.example.com", "chart": "nginx", "targetRevision": "1.2.3"}
VALUES = {"repoURL": REPOSITORY, "targetRevision": "main", "ref": "values"}
_MODULES = {
    each.__name__ for each in (application_rules, applicationset, folders, project_rules, resources, sources, sync)
}
OURS = [rule for rule in RULES.values() if rule.check and rule.check.__module__ in _MODULES]


def application(
    spec: str | Mapping[str, Any] = "{}",
    name: str = "shop",
    annotations: Mapping[str, str] | None = None,
    path: str = "argocd/shop.yaml",
) -> ArgoApplication:
    """Return an Application of a good specification, with the fields of `spec` set in it."""
    given_spec = yaml.safe_load(spec) if isinstance(spec, str) else spec
    defaults: dict[str, Any] = {"project": "default", "destination": IN_CLUSTER}
    if not {"source", "sources", "sourceHydrator"} & set(given_spec):
        defaults["source"] = GIT
    data = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "annotations": dict(annotations or {})},
        "spec": {**defaults, **given_spec},
    }
    return ArgoApplication(without_nulls(copy.deepcopy(data)), Document(path, 0, data))


def manifest(text: str, path: str = "apps/shop/manifest.yaml") -> Document:
    """Return a manifest of YAML text."""
    return Document(path, 0, yaml.safe_load(text))


def named(kind: str, name: str = "shop", **metadata: str) -> Document:
    """Return a manifest of `[apiVersion:]Kind`, v1 by default, without a specification."""
    version, _, kind = kind.rpartition(":")
    return Document(
        "apps/shop/manifest.yaml",
        0,
        {"apiVersion": version or "v1", "kind": kind, "metadata": {"name": name, **metadata}},
    )


def rendered(root: Path, *deployed: tuple[ArgoApplication, list[Document]], **view: Any) -> View:
    """Return a repository whose Applications render to those manifests."""
    return View(
        root, applications=[each for each, _ in deployed], rendered={key(each): made for each, made in deployed}, **view
    )


def problems(rule: str, subject: ArgoApplication | Document | None, repository: View) -> list[Problem]:
    """Return what a rule says."""
    check = RULES[rule].check
    assert check is not None
    return list(check(repository) if subject is None else check(subject, repository))


def project(spec: str, name: str = "team") -> Document:
    """Return an AppProject."""
    return Document(
        "argocd/project.yaml",
        0,
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": name},
            "spec": yaml.safe_load(spec),
        },
    )


def application_set(spec: str) -> Document:
    """Return an ApplicationSet."""
    return Document(
        "argocd/set.yaml",
        0,
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": "set"},
            "spec": yaml.safe_load(spec),
        },
    )


PATHS = "argocd.argoproj.io/manifest-generate-paths"


POLICY = "{roles: [{name: ci, policies: ['%s']}]}"
WINDOW = "{syncWindows: [{kind: allow, schedule: '0 1 * * *', duration: 1h, applications: ['*'], %s}]}"


TWO = "generators: [{list: {elements: []}}, {list: {elements: []}}]"


AUTOSCALER = manifest(
    """
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: shop}
    spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}}
    """
)
DEPLOYMENT = manifest("{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {replicas: 2}}")


TEAM = "sourceRepos: ['*'], destinations: [{server: '*', namespace: shop}]"


def config_map(name: str, data: Mapping[str, str]) -> str:
    """Return one of Argo CD's ConfigMaps."""
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)})


def messages(report: Report, rule: str) -> list[str]:
    """Return the messages of a rule's findings, with their hints."""
    return [f"{each.message} {each.hint}" for each in report.findings if each.rule == rule]
