"""A valid repository with one mistake in it is not valid, and validation says where."""

from __future__ import annotations

import fnmatch
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.findings import Finding, Severity
from argosy.repository.model import ArgocdStyle, ChartExtra, CiHost, Format, Kind, Permitted, Production
from argosy.template import rendering
from argosy.validation import pipeline
from tests import goldens
from tests.validating import write_files

ENVIRONMENTS = (("dev", ""), ("prod", ""))
VALUES = "environments/*/my-app/values.yaml"
APPLICATION = "argocd/*/my-app.yaml"
PROJECT = "argocd/*/project.yaml"
SETTINGS = "environments/*/environment.yaml"
DEPLOYMENT = "environments/*/my-app/deployment.yaml"
SERVICE = "environments/*/my-app/service.yaml"
OVERLAY = "environments/*/my-app/kustomization.yaml"
BASE = "applications/my-app/base"
CHART = "applications/my-app/charts/my-app"
APPLICATION_SET = "argocd/applicationset.yaml"
WORKFLOW = ".github/workflows/validate.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)
SOURCE = ("spec", "source")
TEMPLATE = ("spec", "template", "spec")
MATRIX = ("spec", "generators", 0, "matrix", "generators")

Pointer = tuple[str | int, ...]
Edit = Callable[[str], str]

SWITCHES = """
ingress:
  enabled: true
  className: nginx
  hosts:
    - host: my-app.example.com
autoscaling:
  enabled: true
  minReplicas: 2
  maxReplicas: 5
podDisruptionBudget:
  enabled: true
networkPolicy:
  enabled: true
serviceMonitor:
  enabled: true
config:
  LOG_LEVEL: info
"""


def of_data(change: Callable[[Any], None]) -> Edit:
    """Return an edit that changes the data of a file's first document."""

    def edit(text: str) -> str:
        documents = list(yaml.safe_load_all(text))
        change(documents[0])
        return yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False)

    return edit


def put(*pointer: Any) -> Edit:
    """Return an edit that sets a field: the last argument is its value."""
    *above, name, value = pointer

    def change(data: Any) -> None:
        for part in above:
            data = data.setdefault(part, {}) if isinstance(data, dict) else data[part]
        data[name] = value

    return of_data(change)


def drop(*pointer: str | int) -> Edit:
    """Return an edit that takes a field away."""
    *above, name = pointer

    def change(data: Any) -> None:
        for part in above:
            data = data[part]
        del data[name]

    return of_data(change)


def rename(*pointer: str | int) -> Edit:
    """Return an edit that gives a field another name, the last argument."""
    *above, old, new = pointer

    def change(data: Any) -> None:
        for part in above:
            data = data[part]
        data[new] = data.pop(old)

    return of_data(change)


def text(old: str, new: str) -> Edit:
    """Return an edit that replaces a text once."""

    def edit(content: str) -> str:
        assert old in content, old
        return content.replace(old, new, 1)

    return edit


def append(more: str) -> Edit:
    """Return an edit that adds lines at the end."""
    return lambda content: content.rstrip("\n") + "\n" + more


def remove(content: str) -> str:
    """Take the whole file away."""
    return ""


@dataclass(frozen=True)
class Mutation:
    """One mistake, in a file of a repository that the pattern matches."""

    repository: str
    files: str
    edit: Edit


MUTATIONS: dict[str, Mutation] = {
    # Kubernetes manifests
    "api version missing": Mutation("kustomize", f"{BASE}/service.yaml", drop("apiVersion")),
    "selector missing": Mutation("manifests", DEPLOYMENT, drop("spec", "selector")),
    "api version unknown": Mutation("manifests", DEPLOYMENT, put("apiVersion", "apps/v2")),
    "api version removed": Mutation("manifests", DEPLOYMENT, put("apiVersion", "extensions/v1beta1")),
    "kind misspelt": Mutation("manifests", SERVICE, put("kind", "Servcie")),
    "name missing": Mutation("manifests", SERVICE, drop("metadata", "name")),
    "name in capitals": Mutation("manifests", SERVICE, put("metadata", "name", "MyApp")),
    "name with an underscore": Mutation("manifests", DEPLOYMENT, put("metadata", "name", "my_app")),
    "name too long": Mutation("manifests", SERVICE, put("metadata", "name", "a" * 64)),
    "name a number": Mutation("manifests", SERVICE, put("metadata", "name", 42)),
    "label value invalid": Mutation("manifests", SERVICE, put("metadata", "labels", "tier", "a b")),
    "label value a boolean": Mutation("manifests", SERVICE, put("metadata", "labels", "canary", True)),
    "label name invalid": Mutation("manifests", SERVICE, put("metadata", "labels", "a/b/c", "x")),
    "annotation a number": Mutation("manifests", SERVICE, put("metadata", "annotations", "port", 80)),
    "field misspelt": Mutation("manifests", DEPLOYMENT, rename("spec", "replicas", "replica")),
    "field at the wrong level": Mutation("manifests", DEPLOYMENT, put("spec", "image", "nginx:1.29.3")),
    "replicas a text": Mutation("manifests", DEPLOYMENT, put("spec", "replicas", "three")),
    "replicas negative": Mutation("manifests", DEPLOYMENT, put("spec", "replicas", -1)),
    "selector of other labels": Mutation("manifests", DEPLOYMENT, put("spec", "selector", "matchLabels", {"app": "x"})),
    "selector empty": Mutation("manifests", DEPLOYMENT, put("spec", "selector", {})),
    "template missing": Mutation("manifests", DEPLOYMENT, drop("spec", "template")),
    "containers missing": Mutation("manifests", DEPLOYMENT, drop("spec", "template", "spec", "containers")),
    "containers empty": Mutation("manifests", DEPLOYMENT, put("spec", "template", "spec", "containers", [])),
    "containers a mapping": Mutation("manifests", DEPLOYMENT, put("spec", "template", "spec", "containers", {"a": 1})),
    "container without a name": Mutation("manifests", DEPLOYMENT, drop(*CONTAINER, "name")),
    "container without an image": Mutation("manifests", DEPLOYMENT, drop(*CONTAINER, "image")),
    "container name invalid": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "name", "My App")),
    "pull policy unknown": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "imagePullPolicy", "Sometimes")),
    "container port out of range": Mutation(
        "manifests", DEPLOYMENT, put(*CONTAINER, "ports", 0, "containerPort", 70000)
    ),
    "container port a text": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "ports", 0, "containerPort", "http")),
    "container port name too long": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "ports", 0, "name", "a" * 16)),
    "protocol unknown": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "ports", 0, "protocol", "HTTP")),
    "quantity invalid": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "resources", "limits", "memory", "256 MB")),
    "request above its limit": Mutation(
        "manifests", DEPLOYMENT, put(*CONTAINER, "resources", "requests", "memory", "1Gi")
    ),
    "variable without a name": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "env", [{"value": "x"}])),
    "variable a number": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "env", [{"name": "PORT", "value": 80}])),
    "probe of two kinds": Mutation(
        "manifests", DEPLOYMENT, put(*CONTAINER, "readinessProbe", "exec", {"command": ["a"]})
    ),
    "probe without a kind": Mutation("manifests", DEPLOYMENT, drop(*CONTAINER, "livenessProbe", "tcpSocket")),
    "mount of no volume": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "volumeMounts", 0, "name", "scratsh")),
    "volumes missing": Mutation("manifests", DEPLOYMENT, drop("spec", "template", "spec", "volumes")),
    "restart policy of a Deployment": Mutation("manifests", DEPLOYMENT, put(*TEMPLATE, "restartPolicy", "Never")),
    "restart policy unknown": Mutation("manifests", DEPLOYMENT, put(*TEMPLATE, "restartPolicy", "always")),
    "strategy unknown": Mutation("manifests", DEPLOYMENT, put("spec", "strategy", "type", "BlueGreen")),
    "strategy that cannot move": Mutation(
        "manifests", DEPLOYMENT, put("spec", "strategy", "rollingUpdate", "maxSurge", 0)
    ),
    "spread over an unknown policy": Mutation(
        "manifests", DEPLOYMENT, put(*TEMPLATE, "topologySpreadConstraints", 0, "whenUnsatisfiable", "Never")
    ),
    "capabilities a text": Mutation("manifests", DEPLOYMENT, put(*CONTAINER, "securityContext", "capabilities", "ALL")),
    "user a name": Mutation("manifests", DEPLOYMENT, put(*TEMPLATE, "securityContext", "runAsUser", "nginx")),
    "service port missing": Mutation("manifests", SERVICE, drop("spec", "ports", 0, "port")),
    "service port zero": Mutation("manifests", SERVICE, put("spec", "ports", 0, "port", 0)),
    "service ports empty": Mutation("manifests", SERVICE, put("spec", "ports", [])),
    "service type unknown": Mutation("manifests", SERVICE, put("spec", "type", "Cluster")),
    "service port twice": Mutation("manifests", SERVICE, put("spec", "ports", [{"port": 80}, {"port": 80}])),
    "node port of a ClusterIP": Mutation("manifests", SERVICE, put("spec", "ports", 0, "nodePort", 30080)),
    "service selector a list": Mutation("manifests", SERVICE, put("spec", "selector", ["app"])),
    # YAML
    "key twice": Mutation("manifests", DEPLOYMENT, append("kind: DaemonSet\n")),
    "indented by a tab": Mutation("manifests", SERVICE, text("  ports:", "\tports:")),
    "quote never closed": Mutation("manifests", SERVICE, text("name: my-app", 'name: "my-app')),
    "colon without a space": Mutation("manifests", SERVICE, text("type: ClusterIP", "type:ClusterIP")),
    "alias of no anchor": Mutation("manifests", SERVICE, text("type: ClusterIP", "type: *kind")),
    "secret written down": Mutation(
        "manifests",
        SERVICE,
        append("---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: my-app\nstringData:\n  password: hunter2\n"),
    ),
    "same resource twice": Mutation("manifests", SERVICE, lambda content: content + "---\n" + content),
    # Applications
    "project missing": Mutation("helm", APPLICATION, drop("spec", "project")),
    "project unknown": Mutation("helm", APPLICATION, put("spec", "project", "nowhere")),
    "destination missing": Mutation("helm", APPLICATION, drop("spec", "destination")),
    "destination without a cluster": Mutation("helm", APPLICATION, drop("spec", "destination", "server")),
    "destination twice": Mutation("helm", APPLICATION, put("spec", "destination", "name", "in-cluster")),
    "destination of another cluster": Mutation(
        "helm", APPLICATION, put("spec", "destination", "server", "https://x:6443")
    ),
    "destination namespace forbidden": Mutation(
        "helm", APPLICATION, put("spec", "destination", "namespace", "kube-system")
    ),
    "destination namespace invalid": Mutation(
        "helm", APPLICATION, put("spec", "destination", "namespace", "My_App-dev")
    ),
    "application name invalid": Mutation("helm", APPLICATION, put("metadata", "name", "My App")),
    "source missing": Mutation("helm", APPLICATION, drop(*SOURCE)),
    "source without a repository": Mutation("helm", APPLICATION, drop(*SOURCE, "repoURL")),
    "source without a path": Mutation("helm", APPLICATION, drop(*SOURCE, "path")),
    "path misspelt": Mutation("helm", APPLICATION, put(*SOURCE, "path", "applications/my-app/chart/my-app")),
    "path absolute": Mutation("helm", APPLICATION, put(*SOURCE, "path", f"/{CHART}")),
    "path out of the repository": Mutation("helm", APPLICATION, put(*SOURCE, "path", "../gitops/environments")),
    "path a file": Mutation("helm", APPLICATION, put(*SOURCE, "path", f"{CHART}/Chart.yaml")),
    "values file missing": Mutation(
        "helm", APPLICATION, put(*SOURCE, "helm", "valueFiles", 0, "/environments/values.yaml")
    ),
    "values file one folder too few": Mutation(
        "helm", APPLICATION, put(*SOURCE, "helm", "valueFiles", 0, "../../../environments/dev/values.yaml")
    ),
    "values files a text": Mutation("helm", APPLICATION, put(*SOURCE, "helm", "valueFiles", "values.yaml")),
    # Of one source there is no ref: Argo CD takes `$values` for a variable that is empty.
    "values file of an unknown ref": Mutation(
        "helm", APPLICATION, put(*SOURCE, "helm", "valueFiles", 0, "$values/values.yaml")
    ),
    "release name invalid": Mutation("helm", APPLICATION, put(*SOURCE, "helm", "releaseName", "My_App")),
    "release name too long": Mutation("helm", APPLICATION, put(*SOURCE, "helm", "releaseName", "a" * 54)),
    "helm field misspelt": Mutation("helm", APPLICATION, rename(*SOURCE, "helm", "valueFiles", "valuesFiles")),
    "helm and kustomize": Mutation("helm", APPLICATION, put(*SOURCE, "kustomize", {"namePrefix": "dev-"})),
    "parameter refused": Mutation(
        "helm", APPLICATION, put(*SOURCE, "helm", "parameters", [{"name": "replicaCount", "value": "many"}])
    ),
    "values that are no mapping": Mutation("helm", APPLICATION, put(*SOURCE, "helm", "values", "- a\n")),
    "values object refused": Mutation("helm", APPLICATION, put(*SOURCE, "helm", "valuesObject", {"replicas": 2})),
    "sync options a mapping": Mutation("helm", APPLICATION, put("spec", "syncPolicy", "syncOptions", {"Prune": True})),
    "sync option without an equals sign": Mutation(
        "helm", APPLICATION, put("spec", "syncPolicy", "syncOptions", ["Prune"])
    ),
    "sync option in Python's spelling": Mutation(
        "helm", APPLICATION, put("spec", "syncPolicy", "syncOptions", ["CreateNamespace=True"])
    ),
    "automated a boolean": Mutation("helm", APPLICATION, put("spec", "syncPolicy", "automated", True)),
    "prune a text": Mutation("helm", APPLICATION, put("spec", "syncPolicy", "automated", "prune", "yes")),
    "self heal misspelt": Mutation(
        "helm", APPLICATION, rename("spec", "syncPolicy", "automated", "selfHeal", "selfheal")
    ),
    "retry duration invalid": Mutation(
        "helm", APPLICATION, put("spec", "syncPolicy", "retry", {"limit": 3, "backoff": {"duration": "5 seconds"}})
    ),
    "target revision a number": Mutation("helm", APPLICATION, put(*SOURCE, "targetRevision", 1.0)),
    "application twice": Mutation("helm", APPLICATION, lambda content: content + "---\n" + content),
    "source in the wrong place": Mutation("helm", APPLICATION, put("source", "path", "x")),
    # AppProjects
    "project loses its repositories": Mutation("helm", PROJECT, put("spec", "sourceRepos", [])),
    "project of another repository": Mutation("helm", PROJECT, put("spec", "sourceRepos", ["https://github.com/*"])),
    "project loses its destinations": Mutation("helm", PROJECT, put("spec", "destinations", [])),
    "project loses the kind Namespace": Mutation("helm", PROJECT, drop("spec", "clusterResourceWhitelist")),
    "project loses a kind": Mutation(
        "helm", PROJECT, put("spec", "namespaceResourceWhitelist", [{"group": "", "kind": "Service"}])
    ),
    "project denies a kind": Mutation(
        "helm", PROJECT, put("spec", "namespaceResourceBlacklist", [{"group": "apps", "kind": "Deployment"}])
    ),
    "project renamed": Mutation("helm", PROJECT, put("metadata", "name", "other")),
    "project field misspelt": Mutation("helm", PROJECT, rename("spec", "sourceRepos", "sourceRepositories")),
    "project role with a bad policy": Mutation(
        "helm",
        PROJECT,
        put("spec", "roles", [{"name": "ci", "policies": ["p, role:ci, applications, sync, *, allow"]}]),
    ),
    "sync window with a bad schedule": Mutation(
        "helm",
        PROJECT,
        put(
            "spec", "syncWindows", [{"kind": "deny", "schedule": "61 * * * *", "duration": "1h", "applications": ["*"]}]
        ),
    ),
    "sync window of an unknown kind": Mutation(
        "helm",
        PROJECT,
        put(
            "spec", "syncWindows", [{"kind": "block", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]
        ),
    ),
    # argosy's own files
    "environment without a destination": Mutation("helm", SETTINGS, drop("destination")),
    "environment with two clusters": Mutation("helm", SETTINGS, put("destination", "name", "in-cluster")),
    "environment setting misspelt": Mutation("helm", SETTINGS, rename("autoSync", "autosync")),
    "environment sync a text": Mutation("helm", SETTINGS, put("autoSync", "yes please")),
    "environment promotes from nowhere": Mutation("helm", SETTINGS, put("promotesFrom", "qa")),
    "environment namespace invalid": Mutation("helm", SETTINGS, put("namespace", "Dev_1")),
    "environment replicas negative": Mutation("helm", SETTINGS, put("replicas", -2)),
    "application format unknown": Mutation("helm", "applications/my-app/application.yaml", put("format", "helmfile")),
    "application settings gone": Mutation("helm", "applications/my-app/application.yaml", remove),
    "answers misspelt": Mutation("helm", ".copier-answers.yml", put("argocd", "applicationsets")),
    "workflow step without a command": Mutation("helm", WORKFLOW, put("jobs", "validate", "steps", [{"name": "x"}])),
    "workflow without jobs": Mutation("helm", WORKFLOW, drop("jobs")),
    # Helm charts
    "values of the wrong type": Mutation("helm", VALUES, put("replicaCount", "two")),
    "value misspelt": Mutation("helm", VALUES, rename("replicaCount", "replicas")),
    "nested value misspelt": Mutation("helm", VALUES, rename("image", "tag", "tga")),
    "values port out of range": Mutation("helm", VALUES, put("service", "port", 99999)),
    "values service type unknown": Mutation("helm", VALUES, put("service", "type", "Internal")),
    "values no mapping": Mutation("helm", VALUES, lambda _: "- replicaCount\n"),
    "values not YAML": Mutation("helm", VALUES, append("image: {tag: 1\n")),
    "values file gone": Mutation("helm", VALUES, remove),
    "chart without a version": Mutation("helm", f"{CHART}/Chart.yaml", drop("version")),
    "chart version invalid": Mutation("helm", f"{CHART}/Chart.yaml", put("version", "one")),
    "chart of an unknown API version": Mutation("helm", f"{CHART}/Chart.yaml", put("apiVersion", "v3")),
    "chart gone": Mutation("helm", f"{CHART}/Chart.yaml", remove),
    "template calls an unknown function": Mutation(
        "helm", f"{CHART}/templates/service.yaml", append("# {{ nosuch . }}\n")
    ),
    "template action never closed": Mutation(
        "helm", f"{CHART}/templates/service.yaml", append("{{ if .Values.service }}\n")
    ),
    "template includes an unknown one": Mutation(
        "helm", f"{CHART}/templates/service.yaml", append('# {{ include "x" . }}\n')
    ),
    "template requires a value": Mutation(
        "helm", f"{CHART}/templates/service.yaml", append('# {{ required "say which" .Values.nameOverride }}\n')
    ),
    "template renders an unknown field": Mutation(
        "helm", f"{CHART}/templates/service.yaml", append("nonsense: true\n")
    ),
    "template renders a key twice": Mutation("helm", f"{CHART}/templates/service.yaml", append("kind: Service\n")),
    "template renders no YAML": Mutation("helm", f"{CHART}/templates/service.yaml", append("a: b: c\n")),
    "template renders no manifest": Mutation("helm", f"{CHART}/templates/service.yaml", append("---\njust: data\n")),
    "autoscaler upside down": Mutation("switches", VALUES, put("autoscaling", "minReplicas", 9)),
    "ingress without a host": Mutation("switches", VALUES, put("ingress", "hosts", [{"hosts": "x"}])),
    "switch misspelt": Mutation("switches", VALUES, rename("networkPolicy", "enabled", "enable")),
    "configuration a list": Mutation("switches", VALUES, put("config", ["LOG_LEVEL=info"])),
    "project without the kind Ingress": Mutation(
        "switches", PROJECT, put("spec", "namespaceResourceBlacklist", [{"group": "networking.k8s.io", "kind": "*"}])
    ),
    # Kustomize
    "resource missing": Mutation("kustomize", OVERLAY, put("resources", 0, "../../../applications/my-app/bsae")),
    "patch file missing": Mutation("kustomize", OVERLAY, put("patches", 0, "path", "patches.yaml")),
    "patch of no resource": Mutation("kustomize", "environments/*/my-app/patch.yaml", put("metadata", "name", "other")),
    "patch field misspelt": Mutation(
        "kustomize", "environments/*/my-app/patch.yaml", rename("spec", "template", "templates")
    ),
    "patch quantity invalid": Mutation(
        "kustomize", "environments/*/my-app/patch.yaml", put(*CONTAINER, "resources", "limits", "memory", "much")
    ),
    "patch not YAML": Mutation("kustomize", "environments/*/my-app/patch.yaml", append("spec: [\n")),
    "kustomization field unknown": Mutation("kustomize", OVERLAY, rename("images", "imagez")),
    "kustomization replicas a text": Mutation("kustomize", OVERLAY, put("replicas", 0, "count", "many")),
    "kustomization labels a list": Mutation("kustomize", OVERLAY, put("labels", 0, "pairs", ["a"])),
    "kustomization gone": Mutation("kustomize", OVERLAY, remove),
    "base resource gone": Mutation("kustomize", f"{BASE}/service.yaml", remove),
    "base manifest wrong": Mutation("kustomize", f"{BASE}/deployment.yaml", put("spec", "replicaz", 2)),
    "base manifest of an unknown version": Mutation(
        "kustomize", f"{BASE}/deployment.yaml", put("apiVersion", "apps/v2")
    ),
    # ApplicationSets
    "set without generators": Mutation("set", APPLICATION_SET, drop("spec", "generators")),
    "set without a template": Mutation("set", APPLICATION_SET, drop("spec", "template")),
    "generator unknown": Mutation("set", APPLICATION_SET, put("spec", "generators", [{"lists": {"elements": []}}])),
    "matrix of one generator": Mutation("set", APPLICATION_SET, drop(*MATRIX, 1)),
    "generator without files": Mutation("set", APPLICATION_SET, drop(*MATRIX, 1, "git", "files")),
    "generator of another type": Mutation("set", APPLICATION_SET, put(*MATRIX, 1, "git", "files", "applications")),
    "parameter unknown": Mutation("set", APPLICATION_SET, put(*TEMPLATE, "project", "{{ .environment }}")),
    "parameter of a wrong name": Mutation("set", APPLICATION_SET, put(*TEMPLATE, "project", "{{ .env.path.basname }}")),
    "template never closed": Mutation("set", APPLICATION_SET, put(*TEMPLATE, "project", "{{ .env.path.basename")),
    "template of an unknown function": Mutation("set", APPLICATION_SET, put(*TEMPLATE, "project", "{{ nosuch .env }}")),
    "every application of one name": Mutation(
        "set", APPLICATION_SET, put("spec", "template", "metadata", "name", "my-app")
    ),
    "template name invalid": Mutation(
        "set", APPLICATION_SET, put("spec", "template", "metadata", "name", "My {{ .env.path.basename }}")
    ),
    "template path misspelt": Mutation(
        "set", APPLICATION_SET, put(*TEMPLATE, "source", "path", "apps/{{ .app.path.basename }}")
    ),
    "template project unknown": Mutation("set", APPLICATION_SET, put(*TEMPLATE, "project", "shop")),
    "template field misspelt": Mutation("set", APPLICATION_SET, rename(*TEMPLATE, "destination", "destinations")),
    "patch sets the project": Mutation(
        "set", APPLICATION_SET, put("spec", "templatePatch", "spec:\n  project: '{{ .team }}'\n")
    ),
    "template patch not YAML": Mutation("set", APPLICATION_SET, put("spec", "templatePatch", "spec: [")),
    "patch names a missing values file": Mutation(
        "set",
        APPLICATION_SET,
        text("/environments/{{ .env.path.basename }}/values.yaml\n  ", "/environments/values.yaml\n  "),
    ),
    "go template options unknown": Mutation(
        "set", APPLICATION_SET, put("spec", "goTemplateOptions", ["missingkey=fail"])
    ),
    "sync policy unknown": Mutation("set", APPLICATION_SET, put("spec", "syncPolicy", {"applicationsSync": "never"})),
    "environment setting that the set needs": Mutation("set", SETTINGS, drop("revision")),
}


@cache
def repository(name: str) -> Mapping[str, str]:
    """Return the text of each file of a valid repository with two environments, but for what no mistake is about."""
    form = {"switches": Format.HELM, "set": Format.HELM}.get(name) or Format(name)
    style = ArgocdStyle.APPLICATIONSET if name == "set" else ArgocdStyle.APPLICATIONS
    ci = CiHost.GITHUB if form is Format.HELM else CiHost.NONE
    model = goldens.repository(form, style, ci=ci, environments=ENVIRONMENTS)
    if name == "switches":
        everything = Permitted((Kind("*", "*"),), (Kind("", "Namespace"),))
        environments = tuple(replace(each, permitted=everything) for each in model.environments)
        settings = replace(model.settings, production=Production(chart_extras=(*ChartExtra,)))
        model = replace(model, settings=settings, environments=environments)
    read = (".copier-answers.yml", ".github/workflows/validate.yaml", "applications/", "argocd/", "environments/")
    tree = {
        path: file.content.decode()
        for path, file in rendering.render(model).items()
        if path.startswith(read) and not path.startswith("argocd/install/")
    }
    if name == "switches":
        for path in fnmatch.filter(tree, VALUES):
            kept = re.sub(r"^replicaCount:.*\n", "", tree[path], flags=re.MULTILINE)
            tree[path] = kept + SWITCHES
    return tree


def errors_of(tree: Mapping[str, str]) -> list[Finding]:
    """Return the errors of a repository."""
    folder = Path(tempfile.mkdtemp(prefix="argosy-mutation-"))
    try:
        write_files(folder, tree)
        return [each for each in pipeline.validate(folder).findings if each.severity is Severity.ERROR]
    finally:
        shutil.rmtree(folder)


def is_about(finding: Finding, path: str) -> bool:
    """Return whether a finding points at a file, or at what is rendered from it."""
    environment = next(
        (parts[1] for parts in [path.split("/")] if parts[0] in {"environments", "argocd"} and len(parts) > 2), ""
    )
    return (
        finding.path == path
        or (bool(environment) and finding.environment == environment)
        or (bool(environment) and finding.path.startswith((f"environments/{environment}/", f"argocd/{environment}/")))
        or (path.startswith("applications/my-app/") and finding.application == "my-app")
        or (
            path.startswith("applications/my-app/")
            and finding.path.startswith(("applications/my-app", "environments/"))
        )
        or (path == APPLICATION_SET and finding.application.startswith("my-app"))
    )


@pytest.mark.parametrize("name", ["manifests", "helm", "switches", "kustomize", "set"])
def test_repository_is_valid_as_it_is(name: str) -> None:
    assert errors_of(repository(name)) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_is_found(name: str) -> None:
    mutation = MUTATIONS[name]
    tree = repository(mutation.repository)
    paths = sorted(fnmatch.filter(tree, mutation.files))
    path = paths[len(name) % len(paths)]  # In development or in production, about half of them each.
    changed = mutation.edit(tree[path])
    assert changed != tree[path]
    mistaken = {**tree, path: changed}
    if mutation.edit is remove:
        del mistaken[path]
    errors = errors_of(mistaken)
    assert [each for each in errors if is_about(each, path)], (path, errors)


def test_there_are_many_mistakes() -> None:
    assert len(MUTATIONS) >= 50
